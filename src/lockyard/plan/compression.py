"""How layers are compressed: part of every layer's key."""

from __future__ import annotations

# Pieces that are gzip members of their own, which any reader takes for one stream (RFC 1952,
# 2.2), so that they can be made in parallel. libdeflate's matcher is the same code on every
# processor, where ISA-L's and zlib-ng's are not. At level 3 it is three times as fast as
# zlib's level 6, and its output a twentieth larger.
LEVEL = 3
PIECE = 8 << 20
# What a wheel has deflated, and is at least of so many bytes, is taken as it is: members of zip
# and of gzip have the same form within (RFC 1951), so nothing need be compressed again.
TAKEN = 1 << 20
COMPRESSION = (
    f"gzip/libdeflate-1.26/level-{LEVEL}/members-of-{PIECE}/as-wheels-have-it-from-{TAKEN}"
)
