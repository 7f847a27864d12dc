# SPDX-License-Identifier: MIT
"""What a JSON schema cannot say of the bodies of the API.

Whole numbers beyond 2^53 are refused, and so the document gives 2^53 as the limit of numbers. But
they are taken when they are written with a fraction or an exponent (1e20), which is how Python
writes every float: to the schema the two are the same value. So a made-up body that holds such a
float is bad by the schema and good by the API, and says nothing about either: it is not sent.
"""

import schemathesis

EXACT_MAX = 2**53


def has_large_float(value):
    if isinstance(value, float):
        return abs(value) > EXACT_MAX
    if isinstance(value, dict):
        return any(has_large_float(v) for v in value.values())
    if isinstance(value, list):
        return any(has_large_float(v) for v in value)
    return False


@schemathesis.hook
def filter_case(context, case):
    return not has_large_float(case.body)
