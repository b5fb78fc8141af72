/*
 * Records of four rings, each out of order by a little, come out as qsort puts them: by time, equal
 * times in order of adding. What is too young stays, what comes too late is counted, and both are
 * told as they were.
 */
#include "recorder/order.h"
#include "tests/check.h"

enum { RINGS = 4, SAMPLES_MAX = 200000, RECORD_MAX = 300 };

/* A record is made from its number alone, so that what comes out can be checked without a copy. */
struct sample {
	int64_t ts_ns;
	uint64_t number;
};

struct oracle {
	struct sample waiting[SAMPLES_MAX];
	size_t count;
	uint64_t added;
	int64_t passed_ns; /* the youngest time of the calls before */
	uint64_t late;
	size_t next; /* of `waiting`, to come out */
	int64_t before_ns;
	uint64_t stop_at, stop_result; /* refuses that many-th record of a call */
};

static uint64_t noise_state = 1;

static uint64_t noise(uint64_t below)
{
	noise_state ^= noise_state << 13;
	noise_state ^= noise_state >> 7;
	noise_state ^= noise_state << 17;
	return noise_state % below;
}

static size_t sample_size(uint64_t number)
{
	return 1 + number * 2654435761U % RECORD_MAX;
}

static void sample_fill(uint64_t number, uint8_t *record)
{
	for (size_t i = 0; i < sample_size(number); i++)
		record[i] = (uint8_t)(number * 31 + i);
}

static void sample_add(struct order *order, struct oracle *oracle, int64_t ts_ns)
{
	uint8_t record[RECORD_MAX];
	uint64_t number = oracle->added++;

	CHECK(oracle->count < SAMPLES_MAX);
	sample_fill(number, record);
	CHECK_EQUAL(order_add(order, ts_ns, number << 20, record, sample_size(number)), 0);
	memset(record, 0xee, sizeof(record)); /* it was to be copied */
	oracle->waiting[oracle->count++] = (struct sample){ ts_ns, number };
}

static int sample_compare(const void *left, const void *right)
{
	const struct sample *a = left, *b = right;

	if (a->ts_ns != b->ts_ns)
		return a->ts_ns < b->ts_ns ? -1 : 1;
	return a->number < b->number ? -1 : a->number > b->number;
}

static int take(void *context, int64_t ts_ns, uint64_t kind, const void *record, size_t size)
{
	struct oracle *oracle = context;
	const struct sample *wanted = &oracle->waiting[oracle->next++];
	uint8_t expected[RECORD_MAX];

	CHECK(oracle->next <= oracle->count);
	CHECK(ts_ns < oracle->before_ns);
	CHECK_EQUAL(ts_ns, wanted->ts_ns);
	CHECK_EQUAL(kind, wanted->number << 20);
	CHECK_EQUAL(size, sample_size(wanted->number));
	sample_fill(wanted->number, expected);
	CHECK(!memcmp(record, expected, size));
	oracle->late += ts_ns < oracle->passed_ns;
	return oracle->next == oracle->stop_at ? (int)oracle->stop_result : 0;
}

static size_t oracle_bytes(const struct oracle *oracle)
{
	size_t bytes = 0;

	for (size_t i = 0; i < oracle->count; i++)
		bytes += (sample_size(oracle->waiting[i].number) + 7) / 8 * 8;
	return bytes;
}

static void oracle_forget(struct oracle *oracle)
{
	for (size_t i = 0; i < oracle->next; i++)
		if (oracle->waiting[i].ts_ns > oracle->passed_ns)
			oracle->passed_ns = oracle->waiting[i].ts_ns;
	oracle->count -= oracle->next;
	memmove(oracle->waiting, oracle->waiting + oracle->next,
		oracle->count * sizeof(*oracle->waiting));
}

static void take_before(struct order *order, struct oracle *oracle, int64_t before_ns)
{
	int wanted = 0;

	qsort(oracle->waiting, oracle->count, sizeof(*oracle->waiting), sample_compare);
	oracle->next = 0;
	oracle->before_ns = before_ns;
	if (oracle->stop_at && (int)oracle->stop_result < 0)
		wanted = (int)oracle->stop_result;
	CHECK_EQUAL(order_take(order, before_ns, take, oracle), wanted);
	if (!wanted)
		CHECK(oracle->next == oracle->count ||
		      oracle->waiting[oracle->next].ts_ns >= before_ns);
	else
		CHECK_EQUAL(oracle->next, oracle->stop_at);
	oracle_forget(oracle);
	CHECK_EQUAL(order_late(order), oracle->late);
	CHECK_EQUAL(order_waiting(order), oracle_bytes(oracle));
}

static void begin(struct order **order, struct oracle *oracle)
{
	memset(oracle, 0, sizeof(*oracle));
	oracle->passed_ns = INT64_MIN;
	CHECK_EQUAL(order_open(order), 0);
	CHECK_EQUAL(order_waiting(*order), 0);
}

struct disorder {
	size_t rounds, records; /* of each ring in a round */
	uint64_t step_ns;       /* 0: all times of a round are equal */
	uint64_t jitter_ns;
	int64_t window_ns; /* what is younger than this stays */
};

static void fill_ring(struct order *order, struct oracle *oracle, const struct disorder *disorder,
		      int64_t now_ns)
{
	for (size_t i = 0; i < disorder->records; i++) {
		now_ns += (int64_t)noise(disorder->step_ns + 1);
		sample_add(order, oracle, now_ns - (int64_t)noise(disorder->jitter_ns + 1));
	}
}

/* The records that were late. */
static uint64_t check_disorder(const struct disorder *disorder, struct oracle *oracle)
{
	struct order *order;
	int64_t now_ns = -5000; /* times may well be negative */

	begin(&order, oracle);
	for (size_t round = 0; round < disorder->rounds; round++) {
		for (int ring = 0; ring < RINGS; ring++)
			if (noise(4))
				fill_ring(order, oracle, disorder, now_ns);
		now_ns += (int64_t)(disorder->records * (disorder->step_ns + 1) / 2);
		take_before(order, oracle, now_ns - disorder->window_ns);
	}
	take_before(order, oracle, INT64_MAX);
	CHECK_EQUAL(oracle->count, 0);
	CHECK(oracle->added > disorder->rounds * disorder->records);
	order_close(order);
	return oracle->late;
}

/* Ends with the first refusal; what was not passed on comes with the next call, once. */
static void check_refusal(struct oracle *oracle)
{
	struct order *order;

	begin(&order, oracle);
	for (int i = 0; i < 1000; i++)
		sample_add(order, oracle, (int64_t)noise(100));
	oracle->stop_at = 300;
	oracle->stop_result = (uint64_t)-28;
	take_before(order, oracle, INT64_MAX);
	CHECK_EQUAL(oracle->count, 700);
	oracle->stop_at = 200;
	oracle->stop_result = 1; /* no error */
	take_before(order, oracle, INT64_MAX);
	CHECK_EQUAL(oracle->count, 0);
	order_close(order);
}

static void check_edges(struct oracle *oracle)
{
	struct order *order;

	begin(&order, oracle);
	take_before(order, oracle, INT64_MAX);
	sample_add(order, oracle, INT64_MIN);
	sample_add(order, oracle, INT64_MAX);
	sample_add(order, oracle, 7);
	take_before(order, oracle, 7);
	CHECK_EQUAL(oracle->count, 2); /* "older than" is not "as old as" */
	take_before(order, oracle, INT64_MAX);
	CHECK_EQUAL(oracle->count, 1);
	sample_add(order, oracle, 7); /* as old as the last one: not late */
	sample_add(order, oracle, 6);
	take_before(order, oracle, 8);
	CHECK_EQUAL(order_late(order), 1);
	order_close(order);
	order_close(NULL);
}

int main(void)
{
	static const struct disorder narrow = { 200, 50, 100, 90, 1000 },
				     wide = { 3, 12000, 50, 400, 100000 },
				     equal = { 50, 30, 0, 3, 20 }, late = { 100, 40, 10, 2000, 0 };
	struct oracle *oracle = malloc(sizeof(*oracle));

	CHECK(oracle);
	check_edges(oracle);
	CHECK_EQUAL(check_disorder(&narrow, oracle), 0);
	CHECK_EQUAL(check_disorder(&wide, oracle), 0);
	CHECK_EQUAL(check_disorder(&equal, oracle), 0);
	CHECK(check_disorder(&late, oracle) > 100);
	check_refusal(oracle);
	free(oracle);
	return 0;
}
