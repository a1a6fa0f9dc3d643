"""What is written about a clip, from words to vectors."""

from avrec_lib.content.text.bags import BagOfWords, rows_of_unit_length
from avrec_lib.content.text.documents import document, plain
from avrec_lib.content.text.latent import describe_text, tf_idf
from avrec_lib.content.text.padding import masked_mean, pad
from avrec_lib.content.text.tokens import ngrams, normalise, tokenise
from avrec_lib.content.text.word_vectors import WordVectors, count_neighbours, positive_pmi, train_word_vectors

__all__ = [
    "BagOfWords",
    "WordVectors",
    "count_neighbours",
    "describe_text",
    "document",
    "masked_mean",
    "ngrams",
    "normalise",
    "pad",
    "plain",
    "positive_pmi",
    "rows_of_unit_length",
    "tf_idf",
    "tokenise",
    "train_word_vectors",
]
