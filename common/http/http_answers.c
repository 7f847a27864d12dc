// SPDX-License-Identifier: MIT
#include "common/http/http_answers.h"

const struct http_own_answer http_own_answers[] = {
    {400, HTTP_AT_ANY_ROUTE, true, "there is more than one Content-Length", "BadRequest",
     "The request cannot be parsed; or where it ends is unclear (more than one Content-Length, or "
     "one "
     "beside a Transfer-Encoding); or a header name holds a blank, or the address a NUL."},
    {404, HTTP_AT_NO_ROUTE, false, "there is nothing at this path", "NotFound",
     "There is no such path."},
    {405, HTTP_AT_NO_ROUTE, false, "this path does not know that method", "MethodNotAllowed",
     "The path has no such method; Allow says which it has."},
    {408, HTTP_AT_ANY_ROUTE, false, "the request took too long to arrive", "RequestTimeout",
     "The request did not arrive whole within API_HEADER_TIMEOUT; the connection is closed."},
    {411, HTTP_AT_POST, false, "a POST needs a Content-Length", "LengthRequired",
     "The request has neither a Content-Length nor a chunked body."},
    {413, HTTP_AT_ANY_ROUTE, true, "the body is too large", "ContentTooLarge",
     "The body is larger than API_BODY_MAX; the connection is closed."},
    {414, HTTP_AT_ANY_ROUTE, true, NULL, "UriTooLong", "The address is too long."},
    {415, HTTP_AT_POST, false, "this is not JSON: send Content-Type: application/json or none",
     "UnsupportedMediaType", "The Content-Type says something else than JSON."},
    {431, HTTP_AT_ANY_ROUTE, true, NULL, "HeadersTooLarge", "The headers are larger than 32 KiB."},
    {500, HTTP_AT_ANY_ROUTE, false, "there is no memory for the answer", "InternalError",
     "The answer could not be made."},
    {501, HTTP_AT_ANY_ROUTE, false, "the only Transfer-Encoding known here is chunked",
     "NotImplemented", "The body has a Transfer-Encoding that is not known here."},
    {503, HTTP_AT_ANY_ROUTE, false, "the service is stopping", "Unavailable",
     "The service is stopping, or out of memory."},
    {505, HTTP_AT_ANY_ROUTE, true, NULL, "VersionNotSupported", "This is not HTTP/1."},
};

const size_t http_own_answers_n = sizeof http_own_answers / sizeof http_own_answers[0];

const struct http_own_answer *http_own_answer(unsigned status)
{
    for (size_t i = 0; i < http_own_answers_n; i++)
        if (http_own_answers[i].status == status)
            return &http_own_answers[i];
    return NULL;
}
