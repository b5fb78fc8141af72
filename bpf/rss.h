/*
 * Resident and swapped pages of an address space, as the kernel counts them. Since 6.2 each CPU
 * keeps some of a process with more than one thread to itself, up to 32 or twice the number of
 * CPUs; they are not in these sums, nor in the kernel's own log.
 */
#ifndef BPF_RSS_H
#define BPF_RSS_H

#include "bpf/kernel.h"

/* Without a name in the kernel, so not to be had by CO-RE; the same since 4.5
 * (include/linux/mm_types_task.h). */
enum rss_member { RSS_FILE, RSS_ANON, RSS_SWAP, RSS_SHMEM, RSS_MEMBERS };

static __always_inline __u64 rss_pages(void *mm, enum rss_member member)
{
	struct mm_struct___percpu *percpu = mm;
	struct mm_struct___atomic *atomic = mm;
	__s64 pages = 0;
	void *place = mm;
	if (bpf_core_field_exists(percpu->rss_stat[0].count))
		place += bpf_core_field_offset(percpu->rss_stat[0].count) +
			 member * bpf_core_type_size(struct percpu_counter);
	else
		place += bpf_core_field_offset(atomic->rss_stat.count) + member * sizeof(pages);
	bpf_probe_read_kernel(&pages, sizeof(pages), place);
	return pages > 0 ? (__u64)pages : 0;
}

#endif
