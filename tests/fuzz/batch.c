/*
 * Mutated contents, behind the checksum: whatever a batch, a header or a row says, reading ends, in
 * bounds. Deterministic; `batch SEED ROUNDS` does more.
 */
#include "tests/unit/format_craft.h"

enum { ROUNDS = 3000, MUTATIONS = 6 };

struct random {
	uint64_t state;
};

static uint64_t next(struct random *random)
{
	random->state ^= random->state << 13;
	random->state ^= random->state >> 7;
	random->state ^= random->state << 17;
	return random->state * 0x2545f4914f6cdd1d >> 16;
}

static size_t below(struct random *random, size_t n)
{
	return next(random) % n;
}

static uint64_t nasty(struct random *random)
{
	static const uint64_t values[] = { 0,       1,        127,        128,        255,
					   256,     16383,    16384,      65535,      1 << 20,
					   4 << 20, 16 << 20, 0x7fffffff, 1ULL << 32, 1ULL << 63 };

	return values[below(random, sizeof(values) / sizeof(*values))] - below(random, 2);
}

/* There is room for 16 more bytes. */
static void mutate(struct random *random, struct bytes *bytes)
{
	size_t at = below(random, bytes->n), n = 1 + below(random, 16);
	size_t from = below(random, bytes->n);
	uint8_t varint[VARINT_ROOM];

	if (n > bytes->n - at)
		n = bytes->n - at;
	switch (below(random, 6)) {
	case 0:
		bytes->at[at] ^= 1 << below(random, 8);
		break;
	case 1:
		bytes->at[at] = next(random);
		break;
	case 2:
		memmove(bytes->at + at, bytes->at + at + n, bytes->n - at - n);
		bytes->n -= n;
		break;
	case 3:
		memmove(bytes->at + at + n, bytes->at + at, bytes->n - at);
		bytes->n += n;
		break;
	case 4:
		if (n > bytes->n - from)
			n = bytes->n - from;
		memmove(bytes->at + at, bytes->at + from, n);
		break;
	default:
		n = varint_put(varint, nasty(random)) - varint;
		if (n <= bytes->n - at)
			memcpy(bytes->at + at, varint, n);
	}
	bytes->n += !bytes->n;
}

static uint64_t touch(const struct batch *batch)
{
	uint64_t sum = 0;

	CHECK(batch->rows > 0 && batch->rows <= BATCH_ROWS_MAX);
	for (int i = 0; i < batch->table->n_columns; i++) {
		const struct column *column = &batch->columns[i];
		bool text = batch->table->columns[i].kind == COLUMN_TEXT;

		CHECK(text ? column->texts != NULL : column->values != NULL);
		for (size_t row = 0; row < batch->rows; row++) {
			sum += column_null(column, row);
			if (text)
				sum += hash_text(column->texts[row].data, column->texts[row].len);
			else
				sum += column->values[row];
			if (i == batch->table->id)
				CHECK(column->values[row] != 0);
		}
	}
	return sum;
}

static uint64_t read_all(const struct bytes *file, bool selected)
{
	struct reader_selection selection = { .from_ns = 1000000, .to_ns = 3000000 };
	struct reader *reader;
	struct batch batch;
	uint64_t sum = 0;
	int got;

	if (open_bytes(file->at, file->n, &reader)) {
		CHECK(reader_why(reader)[0]);
		reader_close(reader);
		return 0;
	}
	table_set_add(&selection.tables, table_named("fault")->number);
	table_set_add(&selection.tables, table_named("loss")->number);
	reader_select(reader, selected ? &selection : NULL);
	while ((got = reader_next(reader, &batch)) > 0)
		sum += touch(&batch);
	CHECK_EQUAL(got, 0);
	CHECK_EQUAL(reader_report(reader)->damaged_blocks > 0,
		    reader_report(reader)->first_damage[0] != 0);
	reader_close(reader);
	return sum;
}

static struct bytes copy(const struct bytes *bytes)
{
	struct bytes out = { malloc(bytes->n + MUTATIONS * 16 + 1), bytes->n };

	memcpy(out.at, bytes->at, bytes->n);
	return out;
}

/* The content as one frame without a header, or as one block with one. */
static void fuzz_content(struct random *random, const struct bytes *content)
{
	struct bytes mutant = copy(content), file;

	for (size_t i = 0, n = 1 + below(random, MUTATIONS); i < n; i++)
		mutate(random, &mutant);
	file = below(random, 2) ? craft_frame(mutant)
				: craft_block(mutant, below(random, STREAMS), below(random, 3));
	read_all(&file, below(random, 4) == 0);
	free(file.at);
	free(mutant.at);
}

/* The file as it is, its headers' checksums made good again. */
static void fuzz_file(struct random *random, const struct bytes *file)
{
	struct bytes mutant = copy(file);
	uint8_t *at = mutant.at, *end;

	for (size_t i = 0, n = 1 + below(random, MUTATIONS); i < n; i++) {
		size_t from = below(random, mutant.n);
		uint8_t *header = memmem(mutant.at + from, mutant.n - from, block_sync, BLOCK_SYNC);

		if (header && below(random, 2) && header + 148 < mutant.at + mutant.n)
			header[16 + below(random, 128)] ^= 1 << below(random, 8);
		else
			mutate(random, &mutant);
	}
	end = mutant.at + mutant.n;
	while ((at = memmem(at, end - at, block_sync, BLOCK_SYNC))) {
		if (end - at >= 148 && get32(at + 16) == 148)
			craft_checksum(at - BLOCK_SKIPPABLE);
		at++;
	}
	read_all(&mutant, below(random, 4) == 0);
	free(mutant.at);
}

int main(int argc, char **argv)
{
	struct random random = { argc > 1 ? strtoull(argv[1], NULL, 0) | 1 : 0x6d656d7461706531 };
	unsigned long rounds = argc > 2 ? strtoul(argv[2], NULL, 0) : ROUNDS;
	struct bytes file = small_trace(7), content = { malloc(1 << 20), 0 };

	content.n = ZSTD_decompress(content.at, 1 << 20, file.at, file.n);
	CHECK(!ZSTD_isError(content.n));
	CHECK(read_all(&file, false) != 0);
	for (unsigned long i = 0; i < rounds; i++) {
		fuzz_content(&random, &content);
		fuzz_file(&random, &file);
	}
	free(content.at);
	free(file.at);
	return 0;
}
