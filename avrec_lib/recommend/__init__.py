"""Recommenders, one family a module, all with the interface of :mod:`avrec_lib.recommend.base`."""
