// SPDX-License-Identifier: MIT
#include "api/openapi_calls.h"

#include <string.h>

#include "common/metrics/prometheus.h"

#define ROWS(table) table, sizeof(table) / sizeof(table)[0]

#define ID "01a1fdd8a5b1c70ee86db9cc"
#define ID_2 "01a1fdd8a5b20ff1e2d3c4b5"
#define ID_3 "01a1fdd8a5b3a69788776655"

/* ---- one job ---- */

#define WHEN_413 "The body is larger than @body_bytes_max@ bytes, or the job than @job_bytes_max@."
#define WHEN_502 "Faktory refused the job; error says why."
#define WHEN_503                                                                                   \
    "Faktory is away, too many jobs wait, or the service is stopping. Nothing is stored: send it " \
    "again after Retry-After."
#define WHEN_504                                                                                   \
    "No clear answer of Faktory within @request_timeout_ms@ ms. With stored no, send it again; "   \
    "with stored unknown the job may run, and sent again it may run twice."

static const struct openapi_answer job_answers[] = {
    {202, "Enqueued", "Faktory has stored the job.", NULL},
    {400, "Error", "The body is no JSON, or a field is wrong. Nothing is stored.", NULL},
    {413, "Error", WHEN_413, NULL},
    {502, "NotStored", WHEN_502, NULL},
    {503, "NotStored|Error", WHEN_503, NULL},
    {504, "NotStored", WHEN_504, NULL},
};

#define AWAY                                                                                       \
    {.name = "away",                                                                               \
     .summary = "Faktory is away",                                                                 \
     .status = 503,                                                                                \
     .unasked = true,                                                                              \
     .answer = "{'error':'not accepted: cannot connect to localhost:7419: Connection refused',"    \
               "'job_id':'" ID "','stored':'no'}"},                                                \
    {                                                                                              \
        .name = "unclear", .summary = "The connection broke", .status = 504, .unasked = true,      \
        .answer = "{'error':'Faktory gave no clear answer, the job may be stored: no answer in "   \
                  "time','job_id':'" ID "','stored':'unknown'}"                                    \
    }

static const struct openapi_example math_examples[] = {
    {.name = "numbers",
     .summary = "Two numbers",
     .status = 202,
     .body = "{'a':2,'b':3}",
     .answer = "{'job_id':'" ID "','message':'Job enqueued to @op@ 2 @sign@ 3'}"},
    {.name = "request_id",
     .summary = "Two numbers, and an id of your own",
     .status = 202,
     .body = "{'a':-1.5,'b':1e3,'request_id':'order-7'}",
     .answer = "{'job_id':'" ID "','message':'Job enqueued to @op@ -1.5 @sign@ 1000'}"},
    {.name = "missing",
     .summary = "A field is missing",
     .status = 400,
     .body = "{'a':2}",
     .answer = "{'error':'b: is missing'}"},
    {.name = "wrong_type",
     .summary = "A field has the wrong type",
     .status = 400,
     .body = "{'a':'2','b':3}",
     .answer = "{'error':'a: expected a number, got a string'}"},
    {.name = "misspelt",
     .summary = "A field is not known",
     .status = 400,
     .body = "{'a':2,'b':3,'requestid':'order-7'}",
     .answer = "{'error':'requestid: is not known here; the fields are: a, b, request_id'}"},
    AWAY,
};

static const struct openapi_example job_examples[] = {
    {.name = "job",
     .summary = "A type and arguments",
     .status = 202,
     .body = "{'type':'math_divide','args':[{'a':1,'b':8}]}",
     .answer = "{'job_id':'" ID "','message':'Job enqueued to queue @queue@'}"},
    {.name = "everything",
     .summary = "All fields",
     .status = 202,
     .body = "{'type':'math_divide','args':[{'a':1,'b':8}],'queue':'@queue@',"
             "'at':'2030-01-31T12:00:00Z','retry':3,'reserve_for':120,'custom':{'who':'me'}}",
     .answer = "{'job_id':'" ID "','message':'Job enqueued to queue @queue@'}"},
    {.name = "queue",
     .summary = "A queue that is not one of this service",
     .status = 400,
     .body = "{'type':'mail','args':[],'queue':'retries'}",
     .answer = "{'error':'queue: expected one of the queues of this service: @queues@'}"},
    {.name = "retry",
     .summary = "Out of range",
     .status = 400,
     .body = "{'type':'mail','args':[],'retry':-2}",
     .answer = "{'error':'retry: expected a whole number from -1 to 1000'}"},
    {.name = "number",
     .summary = "A number that Faktory would round",
     .status = 400,
     .body = "{'type':'mail','args':[9007199254740993]}",
     .answer = "{'error':'args: holds the number 9007199254740993, which is beyond 2^53 and would "
               "be rounded by Faktory: send it as a string'}"},
    AWAY,
};

/* ---- many jobs ---- */

static const struct openapi_answer batch_answers[] = {
    {202, "BatchEnqueued", "Faktory has stored all jobs.", NULL},
    {400, "Rejection|Error", "The body is no batch, or items are wrong. Nothing is stored.", NULL},
    {413, "Error",
     "The body is larger than @body_bytes_max@ bytes, or there are more than @batch_jobs_max@ "
     "jobs.",
     NULL},
    {502, "BatchNotStored", "Faktory refused jobs, and took the others.", NULL},
    {503, "BatchNotStored|Error", "Of at least one job: " WHEN_503, NULL},
    {504, "BatchNotStored", "Of at least one job: " WHEN_504, NULL},
};

static const struct openapi_example batch_examples[] = {
    {.name = "forms",
     .summary = "One job in each form",
     .status = 202,
     .jobs = 3,
     .body = "{'jobs':[{'type':'Add','args':{'a':1.5,'b':2.25}},"
             "{'operation':'divide','a':-9,'b':4,'request_id':'order-7'},"
             "{'type':'math_multiply','args':[{'a':6,'b':7}]}]}",
     .answer = "{'job_ids':['" ID "','" ID_2 "','" ID_3 "'],'count':3,'total_enqueued':3,"
               "'message':'Enqueued 3 jobs in one batch'}"},
    {.name = "one",
     .summary = "A single job",
     .status = 202,
     .jobs = 1,
     .body = "{'jobs':[{'operation':'add','a':1,'b':2}]}",
     .answer = "{'job_ids':['" ID "'],'count':1,'total_enqueued':1,"
               "'message':'Enqueued 1 job in one batch'}"},
    {.name = "pack",
     .summary = "Two jobs that travel as one",
     .status = 202,
     .jobs = 2,
     .query = "pack=2",
     .body = "{'jobs':[{'operation':'add','a':1,'b':2},{'operation':'add','a':3,'b':4}]}",
     .answer = "{'job_ids':['" ID "','" ID_2 "'],'count':2,'total_enqueued':2,"
               "'message':'Enqueued 2 jobs in one batch'}"},
    {.name = "wrong_item",
     .summary = "One of two items is wrong",
     .status = 400,
     .jobs = 2,
     .body = "{'jobs':[{'operation':'add','a':1,'b':2},{'operation':'add','a':1}]}",
     .answer = "{'error':'1 of 2 jobs is wrong, nothing was stored','errors':"
               "[{'index':1,'field':'b','error':'is missing'}]}"},
    {.name = "empty",
     .summary = "No jobs",
     .status = 400,
     .body = "{'jobs':[]}",
     .answer = "{'error':'a batch needs at least one job'}"},
    {.name = "no_jobs",
     .summary = "No batch",
     .status = 400,
     .body = "{'job':1}",
     .answer = "{'error':'\\'job\\' is not known here; the only field is: jobs'}"},
    {.name = "pack_range",
     .summary = "A pack that is too large",
     .status = 400,
     .jobs = 1,
     .query = "pack=501",
     .body = "{'jobs':[{'operation':'add','a':1,'b':2}]}",
     .answer = "{'error':'pack: expected a whole number from 1 to @pack_jobs_max@'}"},
    {.name = "partly",
     .summary = "The connection broke in the middle",
     .status = 504,
     .jobs = 2,
     .unasked = true,
     .answer =
         "{'error':'1 of 2 jobs were not stored, or not surely (Faktory gave no clear answer, "
         "the job may be stored): no answer in time','stored':'partly','job_ids':['" ID
         "'],'count':1,'total_enqueued':1,'failed':[{'index':1,'job_id':'" ID_2
         "','stored':'unknown','error':'Faktory gave no clear answer, the job may be stored: "
         "no answer in time'}]}"},
    {.name = "full",
     .summary = "Too many jobs wait",
     .status = 503,
     .unasked = true,
     .answer = "{'error':'no job was accepted: @batch_jobs_max@ jobs are waiting already, of at "
               "most @batch_jobs_max@','stored':'no','job_ids':[],"
               "'count':0,'total_enqueued':0}"},
};

#define PACK                                                                                       \
    "[{'name':'pack','in':'query','required':false,'description':'Up to so many short jobs of a "  \
    "queue travel through Faktory as one, which is much cheaper. Only workers of this project "    \
    "understand it.','schema':{'type':'integer','minimum':1,'maximum':@pack_jobs_max@,"            \
    "'default':@pack_jobs_default@},'examples':{'pack':{'summary':'Two jobs that travel as one',"  \
    "'value':2}}}]"

/* ---- the service ---- */

static const struct openapi_answer health_answers[] = {
    {200, "Health", "The process is alive.", NULL},
};

static const struct openapi_example health_examples[] = {
    {.name = "healthy",
     .summary = "Always",
     .status = 200,
     .answer = "{'status':'healthy','service':'api-service','version':'v1.0.0'}"},
};

static const struct openapi_answer ready_answers[] = {
    {200, "Ready", "Faktory answers, asked a moment ago.", NULL},
    {503, "NotReady|Error", "It does not, or the service is stopping.", NULL},
};

static const struct openapi_example ready_examples[] = {
    {.name = "ready",
     .summary = "Faktory answers",
     .status = 200,
     .answer = "{'status':'ready','faktory':'answers'}"},
    {.name = "away",
     .summary = "Faktory is away",
     .status = 503,
     .unasked = true,
     .answer = "{'status':'unavailable','faktory':'there is no connection to Faktory'}"},
};

static const struct openapi_answer stats_answers[] = {
    {200, "Stats", "Numbers since the start, and of now.", NULL},
};

static const struct openapi_example stats_examples[] = {
    {.name = "stats",
     .summary = "Three jobs were stored",
     .status = 200,
     .answer =
         "{'service':'api-service','version':'v1.0.0','uptime_seconds':61,'jobs':{'stored':3,"
         "'refused':0,'away':0,'late':0,'unknown':0},'batch_requests':1,'pushes':{'count':2,"
         "'jobs':3,'mean_jobs':1.5,'p50_ms':0.5,'p99_ms':0.5},'enqueue':{'p50_ms':0.5,"
         "'p99_ms':1},'queue':{'waiting':0,'in_flight':0,'max':@batch_jobs_max@},'connections':"
         "{'up':4,'max':4,'reconnects':0,'push_ms':0.4},'config':{'batch_max_size':100,"
         "'batch_max_delay_ms':50,'batch_auto_enabled':true,'queues':'@queues@'},'faktory':"
         "{'version':'1.9.4','uptime_seconds':120,'connections':5,'command_count':14,"
         "'total_processed':0,'total_failures':0,'total_enqueued':3,'queues':{'@queue@':3},"
         "'scheduled':0,'retries':0,'dead':0,'working':0}}"},
};

static const struct openapi_answer metrics_answers[] = {
    {200, NULL, "Everything that is counted, in Prometheus' text format.", NULL},
};

#define ETAG                                                                                       \
    "'ETag':{'required':true,'description':'Names this text.','schema':{'type':'string'}},"        \
    "'Cache-Control':{'required':true,'description':'Ask whether it is still the same.',"          \
    "'schema':{'const':'no-cache'}}"

static const struct openapi_answer openapi_answers[] = {
    {200, "Document", "OpenAPI 3.1, with the limits that are in force.", ETAG},
    {304, NULL, "It is still the text that If-None-Match names.", ETAG},
};

#define IF_NONE_MATCH                                                                              \
    "[{'name':'If-None-Match','in':'header','required':false,'description':'The ETag of an "       \
    "answer "                                                                                      \
    "that you have.','schema':{'type':'string'}}]"

/* ---- all calls ---- */

#define MATH(operation, does)                                                                      \
    {                                                                                              \
        "POST", "/jobs/" operation, operation, "jobs", does, NULL, "Operands", NULL,               \
            ROWS(job_answers), ROWS(math_examples)                                                 \
    }

static const struct openapi_call calls[] = {
    MATH("add", "Stores a job math_add in queue @queue@, whose one argument is the body."),
    MATH("subtract",
         "Stores a job math_subtract in queue @queue@, whose one argument is the body."),
    MATH("multiply",
         "Stores a job math_multiply in queue @queue@, whose one argument is the body."),
    MATH("divide", "Stores a job math_divide in queue @queue@, whose one argument is the body. "
                   "Division by 0 is "
                   "the worker's to judge."),
    {"POST", "/jobs", "enqueue", "jobs",
     "Stores a job of any type. An unknown field is an error, so that a misspelt one does not "
     "vanish.",
     NULL, "Job", NULL, ROWS(job_answers), ROWS(job_examples)},
    {"POST", "/jobs/batch", "enqueueBatch", "jobs",
     "Stores many jobs. All are checked before the first is stored.", PACK, "Batch", NULL,
     ROWS(batch_answers), ROWS(batch_examples)},
    {"GET", "/health", "health", "service",
     "Says that the process is alive, and nothing of Faktory.", NULL, NULL, NULL,
     ROWS(health_answers), ROWS(health_examples)},
    {"GET", "/ready", "ready", "service",
     "Asks Faktory, at most four times a second for all who ask.", NULL, NULL, NULL,
     ROWS(ready_answers), ROWS(ready_examples)},
    {"GET", "/stats", "stats", "service",
     "Numbers of the service, and of Faktory while it can be reached.", NULL, NULL, NULL,
     ROWS(stats_answers), ROWS(stats_examples)},
    {"GET", "/metrics", "metrics", "service", "The same and more for Prometheus.", NULL, NULL,
     PROMETHEUS_CONTENT_TYPE, ROWS(metrics_answers), NULL, 0},
    {"GET", "/openapi.json", "openapi", "service", "What you are reading.", IF_NONE_MATCH, NULL,
     NULL, ROWS(openapi_answers), NULL, 0},
};

const size_t openapi_calls_n = sizeof calls / sizeof calls[0];

const struct openapi_call *openapi_call(const char *method, const char *path)
{
    for (size_t i = 0; i < openapi_calls_n; i++)
        if (strcmp(calls[i].method, method) == 0 && strcmp(calls[i].path, path) == 0)
            return &calls[i];
    return NULL;
}
