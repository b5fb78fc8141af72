/*
 * What every BPF object shares: records and how they reach the recorder, targets, the ledger.
 *
 * A record is a struct named like a table of format/trace.proto. Its members are that table's
 * columns by name: plain integers, or references, which the recorder resolves by typedef. The first
 * member says which struct it is: the number of this object and the struct's type id in the
 * object's BTF. So neither side has a list of records.
 *
 * A map named like a table that ends in _total (key and value structs, members again columns) is
 * dumped once a second; where each CPU has values of its own, their sums.
 *
 * A source of data is a set of programs named SOURCE__WAYS__EVENT, where WAYS are digits: the ways,
 * best first, that the program is part of. The recorder uses the first way whose programs all load
 * and attach. EVENT says what to attach to where the section does not: a software event for
 * perf_event programs, a function of the C library for uprobes. The section
 * "tp/CATEGORY/EVENT EVENT ..." is several tracepoints of one program. A source that OPT_IN() names
 * is recorded only where -e asks for it.
 */
#ifndef BPF_RECORD_H
#define BPF_RECORD_H

#include "bpf/definitions.h"
#include "bpf/kernel.h"

char LICENSE[] SEC("license") = "GPL";

#define OPT_IN(source) const volatile bool opt_in__##source = true

/* Set by the recorder before loading. */
const volatile __u64 object_number; /* of this object, from 1 */
const volatile __u32 ring_count = 1;
const volatile bool whole_host; /* every process is a target */

struct ring {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
};

/* Shared by all objects: the recorder makes these maps and hands them to each. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 1);
	__type(key, __u32);
	__array(values, struct ring);
} shared_rings SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} shared_recording SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 32768);
	__type(key, __u32); /* tgid */
	__type(value, __u32);
} shared_targets SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, TALLY_MAX);
	__type(key, __u32);
	__type(value, struct tally);
} tallies SEC(".maps");

static __always_inline void tally_seen(__u32 what)
{
	struct tally *tally = bpf_map_lookup_elem(&tallies, &what);
	/* Atomic: uprobe programs can be preempted by another one on the same CPU. */
	if (tally)
		__sync_fetch_and_add(&tally->seen, 1);
}

static __always_inline void tally_dropped(__u32 what)
{
	struct tally *tally = bpf_map_lookup_elem(&tallies, &what);
	if (tally)
		__sync_fetch_and_add(&tally->dropped, 1);
}

static __always_inline bool target_has(__u32 tgid)
{
	return whole_host || bpf_map_lookup_elem(&shared_targets, &tgid);
}

static __always_inline bool target_current(void)
{
	return target_has(bpf_get_current_pid_tgid() >> 32);
}

/* Whether the recording has begun and not ended: what happens else is not seen, and not lost. */
static __always_inline bool recording(void)
{
	__u32 zero = 0, *state = bpf_map_lookup_elem(&shared_recording, &zero);
	return state && *state;
}

/* The ring of this CPU; NULL while nothing is recorded. */
static __always_inline void *ring_here(void)
{
	__u32 ring = bpf_get_smp_processor_id() % ring_count;
	if (!recording())
		return NULL;
	return bpf_map_lookup_elem(&shared_rings, &ring);
}

/* The time is taken after the reservation, so records of a ring are almost in order of time. */
static __always_inline void *record_reserve_(__u32 type, __u64 size)
{
	void *ring = ring_here();
	if (!ring)
		return NULL;
	tally_seen(type);
	record_ref *record = bpf_ringbuf_reserve(ring, size, 0);
	if (!record) {
		tally_dropped(type);
		return NULL;
	}
	record[0] = object_number << 32 | type;
	record[1] = bpf_ktime_get_ns();
	return record;
}

/* A new record of this struct, its first two members (record_ref, time_ref) set; or NULL, counted.
 */
#define record_reserve(name)                                                                       \
	((struct name *)record_reserve_(bpf_core_type_id_local(struct name), sizeof(struct name)))

/* No wakeup: the recorder looks by itself, and a wakeup costs more than the record. */
#define record_submit(record) bpf_ringbuf_submit(record, BPF_RB_NO_WAKEUP)

/* Adds to the entry of a total; `delta` is a value struct made of __u64 only. */
#define total_add(map, key, delta)                                                                 \
	do {                                                                                       \
		if (!recording())                                                                  \
			break;                                                                     \
		typeof(delta) *value_ = bpf_map_lookup_elem(map, key);                             \
		if (!value_) {                                                                     \
			typeof(delta) zero_ = {};                                                  \
			bpf_map_update_elem(map, key, &zero_, BPF_NOEXIST);                        \
			value_ = bpf_map_lookup_elem(map, key);                                    \
		}                                                                                  \
		if (!value_) {                                                                     \
			tally_dropped(TALLY_MAP_FULL);                                             \
			break;                                                                     \
		}                                                                                  \
		_Pragma("unroll") for (unsigned i_ = 0; i_ < sizeof(delta) / 8;                    \
				       i_++) if (((__u64 *)&(delta))[i_])                          \
			__sync_fetch_and_add((__u64 *)value_ + i_, ((__u64 *)&(delta))[i_]);       \
	} while (0)

/* A program as tp_btf, and as raw tracepoint for kernels that refuse tp_btf: the arguments are the
 * same. */
#define BOTH_WAYS(source, event, what, code)                                                       \
	SEC("tp_btf/" #event) int source##__1__##what(__u64 *ctx)                                  \
	{                                                                                          \
		(void)ctx;                                                                         \
		return code;                                                                       \
	}                                                                                          \
	SEC("raw_tp/" #event) int source##__2__##what(__u64 *ctx)                                  \
	{                                                                                          \
		(void)ctx;                                                                         \
		return code;                                                                       \
	}

#endif
