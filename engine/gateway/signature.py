"""Ed25519 signatures, checked by the OpenSSL that Python itself brings: no package of ours has them.

Python's `ssl` and `hashlib` do not offer OpenSSL's signatures, so its library is called by its own names.
Source: RFC 8032; OpenSSL 3, EVP_DigestVerify(3) and EVP_PKEY_new_raw_public_key(3).
"""

import _hashlib
import ctypes
import sys

from engine.contract.errors import InternalError

KEY_BYTES, SIGNATURE_BYTES = 32, 64
_ED25519 = 1087  # NID_ED25519


def is_signed(message: bytes, signature: bytes, public_key: bytes) -> bool:
    """Whether the owner of a key has signed a message.

    Raises ValueError for a key of another length, InternalError where OpenSSL cannot be called.
    """
    if len(public_key) != KEY_BYTES:
        raise ValueError(f"a public key has {KEY_BYTES} bytes, not {len(public_key)}")
    if len(signature) != SIGNATURE_BYTES:
        return False
    openssl = _openssl()
    key = openssl.EVP_PKEY_new_raw_public_key(_ED25519, None, public_key, KEY_BYTES)
    context = openssl.EVP_MD_CTX_new()
    try:
        if not key or not context or openssl.EVP_DigestVerifyInit(context, None, None, None, key) != 1:
            raise InternalError("OpenSSL does not take the key of releases")
        verified = openssl.EVP_DigestVerify(context, signature, len(signature), message, len(message))
        return bool(verified == 1)
    finally:
        openssl.EVP_MD_CTX_free(context)
        openssl.EVP_PKEY_free(key)


def _openssl() -> ctypes.CDLL:
    """The library that `_hashlib` is linked with; looking a name up in `_hashlib` finds it there too."""
    try:
        found = ctypes.CDLL("libcrypto-3.dll" if sys.platform == "win32" else _hashlib.__file__)
        pointer, size, number = ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int
        data = ctypes.c_char_p
        found.EVP_PKEY_new_raw_public_key.argtypes = (number, pointer, data, size)
        found.EVP_PKEY_new_raw_public_key.restype = pointer
        found.EVP_MD_CTX_new.restype = pointer
        found.EVP_DigestVerifyInit.argtypes = (pointer, pointer, pointer, pointer, pointer)
        found.EVP_DigestVerify.argtypes = (pointer, data, size, data, size)
        found.EVP_MD_CTX_free.argtypes = (pointer,)
        found.EVP_PKEY_free.argtypes = (pointer,)
    except (OSError, AttributeError) as error:
        raise InternalError(f"signatures cannot be checked here: {error}") from error
    return found
