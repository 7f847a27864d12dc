// SPDX-License-Identifier: MIT
#include "api/openapi_schemas.h"

#include <string.h>

#include "api/submit.h"
#include "common/faktory/info.h"
#include "common/json/json_write.h"

#define LENGTH(table) (sizeof(table) / sizeof(table)[0])

#define REF(name) "{'$ref':'#/components/schemas/" name "'}"
#define COUNT "{'type':'integer','minimum':0}"
#define MS "{'type':['number','null'],'minimum':0}" /* null: more than was foreseen */

/* ---- values that appear in several places ---- */

static const struct {
    const char *name, *schema, *help;
} values[] = {
    {"JobId", "{'type':'string','pattern':'^[0-9a-f]{24}$'}",
     "The id of a job: the one that it has in Faktory, and that its worker is given."},
    {"Text", "{'type':'string','pattern':'^[^\\\\x00]*$'}",
     "Any text, but for NUL and halves of surrogate pairs."},
    {"Number", "{'type':'number','minimum':-@exact_number_max@,'maximum':@exact_number_max@}",
     "A number that survives the way through Faktory, which keeps doubles. Beyond the limits, "
     "whole "
     "numbers are refused: they would be rounded. Who does not mind writes them with an exponent "
     "or "
     "a fraction (1e20), which a schema cannot tell apart; or sends a string."},
    {"Value",
     "{'anyOf':[{'type':['null','boolean']}," REF("Number") "," REF(
         "Text") ",{'type':'array',"
                 "'items':" REF("Value") "},{'type':'object','propertyNames':" REF(
                     "Text") ","
                             "'additionalProperties':" REF("Value") "}]}",
     "Anything that JSON has, at most @json_depth_max@ arrays and objects inside each other, the "
     "body's own included. No object has the same key twice."},
    {"Batch",
     "{'type':'object','additionalProperties':false,'required':['jobs'],'properties':{'jobs':"
     "{'type':'array','minItems':1,'maxItems':@batch_jobs_max@,'items':{'oneOf':[" REF(
         "NamedItem") "," REF("OperationItem") "," REF("Job") "]}}}}",
     "Many jobs, in any of three forms, mixed."},
    {"Document", "{'type':'object','required':['openapi','info','paths','components']}",
     "A document of OpenAPI 3.1."},
};

/* ---- answers ---- */

struct member {
    const char *name, *schema, *help;
    bool optional;
};

static const struct member enqueued[] = {
    {"job_id", REF("JobId"), "The id of the job.", false},
    {"message", "{'type':'string'}", "For people.", false},
};

static const struct member batch_enqueued[] = {
    {"job_ids", "{'type':'array','items':" REF("JobId") "}", "In the order of the items.", false},
    {"count", COUNT, "How many these are.", false},
    {"total_enqueued", COUNT, "The same; kept for clients of the predecessor.", false},
    {"message", "{'type':'string'}", "For people.", false},
};

static const struct member error[] = {
    {"error", "{'type':'string'}",
     "What is wrong, for people. Where a field is to blame it comes first: \"args.a: is missing\".",
     false},
};

static const struct member rejection[] = {
    {"error", "{'type':'string'}", "For people.", false},
    {"errors",
     "{'type':'array','minItems':1,'maxItems':@errors_listed_max@,'items':" REF("ItemError") "}",
     "The wrong items, in their order.", false},
    {"more_errors", "{'type':'integer','minimum':1}", "How many more there are.", true},
};

static const struct member item_error[] = {
    {"index", COUNT, "The place of the item, from 0.", false},
    {"field", "{'type':'string'}",
     "The path of the field, a or args.a; left out when the whole item is wrong.", true},
    {"error", "{'type':'string'}", "What is wrong with it, for people.", false},
};

static const struct member not_stored[] = {
    {"error", "{'type':'string'}", "Why, for people.", false},
    {"job_id", REF("JobId"), "The id that the job has, should it be stored.", false},
    {"stored", REF("Fate"), "Whether it is.", false},
};

static const struct member batch_not_stored[] = {
    {"error", "{'type':'string'}", "Why, for people.", false},
    {"stored", REF("BatchFate"), "Whether any of the jobs is.", false},
    {"job_ids", "{'type':'array','items':" REF("JobId") "}", "Those that surely are.", false},
    {"count", COUNT, "How many these are.", false},
    {"total_enqueued", COUNT, "The same.", false},
    {"failed", "{'type':'array','minItems':1,'items':" REF("FailedItem") "}",
     "All others; left out when not one was even accepted.", true},
};

static const struct member failed_item[] = {
    {"index", COUNT, "The place of the item, from 0.", false},
    {"job_id", REF("JobId"), "The id that the job has, should it be stored.", false},
    {"stored", REF("Fate"), "Whether it is.", false},
    {"error", "{'type':'string'}", "Why, for people.", false},
};

static const struct member health[] = {
    {"status", "{'const':'healthy'}", "The process is alive.", false},
    {"service", "{'const':'api-service'}", "What this is.", false},
    {"version", "{'type':'string'}", "Its version.", false},
};

static const struct member ready[] = {
    {"status", "{'const':'ready'}", "Jobs can be stored.", false},
    {"faktory", "{'const':'answers'}", "What Faktory does.", false},
};

static const struct member not_ready[] = {
    {"status", "{'const':'unavailable'}", "Jobs cannot be stored now.", false},
    {"faktory", "{'type':'string'}", "What is wrong with it, for people.", false},
};

static const struct member stats[] = {
    {"service", "{'const':'api-service'}", "What this is.", false},
    {"version", "{'type':'string'}", "Its version.", false},
    {"uptime_seconds", COUNT, "How long it runs.", false},
    {"jobs", REF("JobCounts"), "Jobs since the start, by what became of them.", false},
    {"batch_requests", COUNT, "Batches that were taken since the start.", false},
    {"pushes", REF("PushStats"), "Pushes to Faktory since the start.", false},
    {"enqueue", REF("Quantiles"), "From taking a job to knowing what became of it.", false},
    {"queue", REF("QueueStats"), "Jobs on their way to Faktory now.", false},
    {"connections", REF("ConnectionStats"), "Connections to Faktory.", false},
    {"config", REF("Settings"), "Settings that matter to clients.", false},
    {"faktory", "{'anyOf':[" REF("FaktoryStats") ",{'type':'null'}]}",
     "What Faktory says of itself, a few seconds old at most; null while it does not answer.",
     false},
};

static const struct member job_counts[] = {
    {"stored", COUNT, "Stored.", false},
    {"refused", COUNT, "Refused by Faktory.", false},
    {"away", COUNT, "Not stored: Faktory could not be reached.", false},
    {"late", COUNT, "Not stored: there was no time left to send them.", false},
    {"unknown", COUNT, "Sent, and no clear answer came.", false},
};

static const struct member quantiles[] = {
    {"p50_ms", MS, "Half of them took no longer, about.", false},
    {"p99_ms", MS, "99 of 100 took no longer, about.", false},
};

static const struct member push_stats[] = {
    {"count", COUNT, "How many.", false},
    {"jobs", COUNT, "The jobs in them.", false},
    {"mean_jobs", "{'type':'number','minimum':0}", "Jobs in each.", false},
    {"p50_ms", MS, "Half of them took no longer, about.", false},
    {"p99_ms", MS, "99 of 100 took no longer, about.", false},
};

static const struct member queue_stats[] = {
    {"waiting", COUNT, "Jobs that wait to be sent.", false},
    {"in_flight", COUNT, "Jobs that were sent and not answered.", false},
    {"max", COUNT, "Most that may wait; beyond it 503.", false},
};

static const struct member connection_stats[] = {
    {"up", COUNT, "Those that are up.", false},
    {"max", COUNT, "Those that there should be.", false},
    {"reconnects", COUNT, "How often one was made again.", false},
    {"push_ms", MS, "Round trip of late.", false},
};

static const struct member settings[] = {
    {"batch_max_size", COUNT, "Most jobs in one push.", false},
    {"batch_max_delay_ms", COUNT, "Longest wait for company.", false},
    {"batch_auto_enabled", "{'type':'boolean'}", "Whether requests share pushes.", false},
    {"queues", "{'type':'string'}", "Queues that may be used, separated by commas.", false},
};

static const struct {
    const char *name, *help;
    const struct member *members;
    size_t n;
} answers[] = {
    {"Enqueued", "The job is stored.", enqueued, LENGTH(enqueued)},
    {"BatchEnqueued", "All jobs are stored.", batch_enqueued, LENGTH(batch_enqueued)},
    {"Error", "Nothing was stored.", error, LENGTH(error)},
    {"Rejection", "Items are wrong, and nothing was stored.", rejection, LENGTH(rejection)},
    {"ItemError", "What is wrong with an item.", item_error, LENGTH(item_error)},
    {"NotStored", "The job was good, and is not stored, or not surely.", not_stored,
     LENGTH(not_stored)},
    {"BatchNotStored", "All jobs were good, and not all are stored, or not surely.",
     batch_not_stored, LENGTH(batch_not_stored)},
    {"FailedItem", "A job that is not stored, or not surely.", failed_item, LENGTH(failed_item)},
    {"Health", "The process is alive.", health, LENGTH(health)},
    {"Ready", "Faktory answers.", ready, LENGTH(ready)},
    {"NotReady", "Faktory does not answer.", not_ready, LENGTH(not_ready)},
    {"Stats", "Numbers of the service and of Faktory.", stats, LENGTH(stats)},
    {"JobCounts", "Jobs by what became of them.", job_counts, LENGTH(job_counts)},
    {"PushStats", "Pushes to Faktory.", push_stats, LENGTH(push_stats)},
    {"Quantiles", "Times in milliseconds; null when they are beyond all that is measured.",
     quantiles, LENGTH(quantiles)},
    {"QueueStats", "Jobs on their way.", queue_stats, LENGTH(queue_stats)},
    {"ConnectionStats", "Connections to Faktory.", connection_stats, LENGTH(connection_stats)},
    {"Settings", "Settings that matter to clients.", settings, LENGTH(settings)},
};

static void add_member(struct buf *out, const struct openapi_facts *f, const char *name,
                       const char *schema, const char *help)
{
    openapi_add_key(out, name);
    openapi_add_json(out, f, "{'description':");
    openapi_add_sentence(out, f, help);
    buf_add_char(out, ',');
    openapi_add_json(out, f, schema + 1); /* what is inside its braces, and the last one */
}

static void add_answer(struct buf *out, const struct openapi_facts *f, size_t row)
{
    const struct member *members = answers[row].members;

    openapi_add_key(out, answers[row].name);
    buf_add_char(out, '{');
    openapi_add_key(out, "description");
    json_write_cstr(out, answers[row].help);
    openapi_add_json(out, f, ",'type':'object','required':[");
    for (size_t i = 0; i < answers[row].n; i++)
        if (!members[i].optional) {
            openapi_add_comma(out);
            json_write_cstr(out, members[i].name);
        }
    openapi_add_json(out, f, "],'properties':{");
    for (size_t i = 0; i < answers[row].n; i++)
        add_member(out, f, members[i].name, members[i].schema, members[i].help);
    buf_add_str(out, "}}");
}

/* ---- made of other tables ---- */

/* What `stored` may say in an error; neighbours in the table may say the same. */
static void add_fates(struct buf *out, const struct openapi_facts *f, const char *name,
                      const char *help, const char *also)
{
    const char *last = "";

    openapi_add_key(out, name);
    openapi_add_json(out, f, "{'description':");
    openapi_add_sentence(out, f, help);
    openapi_add_json(out, f, ",'enum':[");
    for (size_t i = 0; i < submit_fates_n; i++) {
        if (submit_fates[i].status == 202 || strcmp(submit_fates[i].stored, last) == 0)
            continue;
        last = submit_fates[i].stored;
        openapi_add_comma(out);
        json_write_cstr(out, last);
    }
    openapi_add_json(out, f, also);
    buf_add_str(out, "]}");
}

static void add_faktory_stats(struct buf *out, const struct openapi_facts *f)
{
    openapi_add_json(out, f,
                     ",'FaktoryStats':{'description':'What Faktory says of itself.',"
                     "'type':'object','properties':{");
    for (size_t i = 0; i < info_members_n; i++) {
        const struct info_member *m = &info_members[i];

        add_member(out, f, m->as,
                   m->type == JSON_STRING   ? "{'type':'string'}"
                   : m->type == JSON_NUMBER ? COUNT
                                            : "{'type':'object','additionalProperties':" COUNT "}",
                   m->help);
    }
    buf_add_str(out, "}}");
}

void openapi_add_schemas(struct buf *out, const struct openapi_facts *f)
{
    buf_add_char(out, '{');
    for (size_t i = 0; i < LENGTH(values); i++)
        add_member(out, f, values[i].name, values[i].schema, values[i].help);
    openapi_add_forms(out, f);
    for (size_t i = 0; i < LENGTH(answers); i++)
        add_answer(out, f, i);
    add_fates(out, f, "Fate",
              "no: surely not, send it again. unknown: it may be; sent again, it may run twice.",
              "");
    add_fates(out, f, "BatchFate", "The same of many jobs; partly: some surely are.", ",'partly'");
    add_faktory_stats(out, f);
    buf_add_char(out, '}');
}

void openapi_add_schema_of(struct buf *out, const char *names)
{
    bool several = strchr(names, '|') != NULL;

    if (several)
        buf_add_str(out, "{\"anyOf\":[");
    while (*names) {
        size_t len = strcspn(names, "|");

        openapi_add_comma(out);
        buf_addf(out, "{\"$ref\":\"#/components/schemas/%.*s\"}", (int)len, names);
        names += len + (names[len] == '|');
    }
    if (several)
        buf_add_str(out, "]}");
}
