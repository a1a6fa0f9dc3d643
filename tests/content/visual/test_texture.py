import numpy as np
import pytest
from scipy.signal import convolve2d
from skimage.feature import graycomatrix, graycoprops, local_binary_pattern
from skimage.filters import gabor_kernel

from avrec_lib.content.visual import gabor_energies, glcm_statistics, grey_bytes, lbp_histogram
from avrec_lib.content.visual.texture import GABOR_NAMES, GLCM_NAMES, LBP_NAMES, gabor_transfer

from .conftest import carpet


@pytest.fixture(scope="module")
def grey():
    return grey_bytes(np.stack([carpet(k, 96)[:80] for k in range(3)]))


def test_patterns_are_those_of_scikit_image(grey):
    ours = lbp_histogram(grey)
    for frame, row in zip(grey, ours, strict=True):
        codes = local_binary_pattern(frame, 8, 1, method="uniform")[1:-1, 1:-1].astype(int)
        theirs = np.bincount(codes.ravel(), minlength=10) / codes.size
        # One pixel in a hundred lies on the edge, where 12/17 and 1/sqrt(2) decide differently.
        assert np.abs(row - theirs).sum() < 0.01


def test_a_flat_frame_has_one_pattern():
    shares = lbp_histogram(np.full((1, 20, 20), 77, np.uint8))[0]
    assert shares[LBP_NAMES.index("lbp-8")] == 1.0


def test_patterns_do_not_turn_with_the_picture_nor_change_with_light(grey):
    turned = np.ascontiguousarray(np.rot90(grey, axes=(1, 2)))
    np.testing.assert_array_equal(lbp_histogram(grey), lbp_histogram(turned))
    dim = (grey // 4) * 2
    np.testing.assert_array_equal(lbp_histogram(dim), lbp_histogram(dim + 100))


def test_co_occurrence_is_that_of_scikit_image(grey):
    ours = glcm_statistics(grey)
    angles = [0, np.pi / 4, np.pi / 2, 3 * np.pi / 4]
    for frame, row in zip(grey, ours, strict=True):
        table = graycomatrix(frame >> 4, [1], angles, levels=16, symmetric=True, normed=True)
        for name in ("contrast", "homogeneity", "energy", "correlation"):
            theirs = graycoprops(table, name)[0]
            assert row[GLCM_NAMES.index(f"glcm-{name}")] == pytest.approx(theirs.mean(), rel=1e-5)
            assert row[GLCM_NAMES.index(f"glcm-{name}-range")] == pytest.approx(np.ptp(theirs), rel=1e-4, abs=1e-6)


def test_stripes_have_more_contrast_across_than_along():
    stripes = np.zeros((1, 32, 32), np.uint8)
    stripes[:, :, ::2] = 200
    assert glcm_statistics(stripes)[0, GLCM_NAMES.index("glcm-contrast-range")] > 100.0
    assert glcm_statistics(np.zeros((1, 32, 32), np.uint8))[0, GLCM_NAMES.index("glcm-correlation")] == 1.0


def test_gabor_energies_are_the_mean_squares_of_filtered_frames(grey):
    """By Parseval: against the same filters, applied in the picture."""
    frame = grey[0]
    h, w = frame.shape
    window = np.hanning(h + 2)[1:-1, None] * np.hanning(w + 2)[None, 1:-1]
    window /= np.sqrt(np.square(window).mean())
    bright = frame / 255.0
    bright = (bright - (bright * window).mean() / window.mean()) * window
    down, right = np.fft.fftfreq(h)[:, None], np.fft.fftfreq(w)[None, :]
    for name, ours in zip(GABOR_NAMES, gabor_energies(grey)[0], strict=True):
        length, angle = int(name.split("-")[1][:-2]), np.radians(int(name.split("-")[2]))
        apart = np.square(down - np.sin(angle) / length) + np.square(right - np.cos(angle) / length)
        answer = np.fft.ifft2(np.fft.fft2(bright) * np.exp(-2 * np.square(np.pi * 0.56 * length) * apart))
        assert ours == pytest.approx(np.log10(np.square(np.abs(answer)).mean() + 1e-6), abs=1e-3), name


def test_the_filters_are_those_of_scikit_image():
    length = 8
    kernel = gabor_kernel(1 / length, theta=0, sigma_x=0.56 * length, sigma_y=0.56 * length, n_stds=6)
    frame = np.random.default_rng(0).normal(size=(96, 96))
    answer = convolve2d(frame, kernel, mode="same", boundary="wrap")
    power = np.square(np.abs(np.fft.rfft2(frame))).ravel()
    row = gabor_transfer(96, 96)[GABOR_NAMES.index("gabor-8px-0")]
    assert (power @ row) / 96**4 == pytest.approx(np.square(np.abs(answer)).mean(), rel=1e-3)


@pytest.mark.parametrize(("angle", "other"), [(0, 90), (45, 135), (90, 0), (135, 45)])
@pytest.mark.parametrize("length", [4, 8, 16])
def test_a_wave_answers_at_its_own_wavelength_and_direction(length, angle, other):
    y, x = np.mgrid[:128, :128]
    phase = 2 * np.pi * (np.cos(np.radians(angle)) * x + np.sin(np.radians(angle)) * y) / length
    wave = np.rint(128 + 100 * np.sin(phase)).astype(np.uint8)[None]
    energies = gabor_energies(wave)[0]
    assert GABOR_NAMES[energies.argmax()] == f"gabor-{length}px-{angle}"
    assert energies.max() > energies[GABOR_NAMES.index(f"gabor-{length}px-{other}")] + 1.0


def test_generated_textures_are_told_apart_by_each_family():
    """Nearest of the class means, on other pieces of four textures."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:64, :64]

    def piece(kind):
        noise = rng.normal(0, 12, (64, 64))
        phase = rng.uniform(0, 2 * np.pi)
        picture = {
            0: 100 * np.sin(x / 1.3 + phase),
            1: 100 * np.sin(y / 2.6 + phase),
            2: 100 * np.sign(np.sin(x / 3 + phase) * np.sin(y / 3 + phase)),
            3: 5 * noise,
        }[kind]
        return np.rint(128 + picture + noise).clip(0, 255).astype(np.uint8)

    learn = np.stack([piece(k % 4) for k in range(40)])
    test = np.stack([piece(k % 4) for k in range(80)])
    for features in (lbp_histogram, glcm_statistics, gabor_energies):
        known, asked = features(learn), features(test)
        scale = known.std(axis=0) + 1e-6
        means = np.stack([known[k::4].mean(axis=0) for k in range(4)])
        apart = np.linalg.norm((asked[:, None] - means[None]) / scale, axis=2)
        assert (apart.argmin(axis=1) == np.arange(80) % 4).mean() >= 0.95, features.__name__
