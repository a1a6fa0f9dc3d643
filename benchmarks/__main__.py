"""Run all benchmarks: ``python -m benchmarks``. Each also runs alone, as ``python -m benchmarks.decode``."""

from benchmarks import catalogue, decode, fusion, ingest, near_duplicates, picture, ranking, search, sound, text

if __name__ == "__main__":
    catalogue.main([])
    decode.main([])
    fusion.main([])
    ingest.main([])
    near_duplicates.main([])
    picture.main([])
    ranking.main([])
    search.main([])
    sound.main([])
    text.main([])
