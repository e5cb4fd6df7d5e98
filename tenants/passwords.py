"""Argon2id at 19 MiB: the least OWASP names, so that a herd of sign-ins takes minutes, not hours."""

from django.contrib.auth.hashers import Argon2PasswordHasher


class Argon2Hasher(Argon2PasswordHasher):
    time_cost = 2
    memory_cost = 19 * 1024
    parallelism = 1
