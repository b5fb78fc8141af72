#include <errno.h>
#include <linux/perf_event.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include "recorder/mmaps.h"

enum { MMAPS_RING_PAGES = 64, MMAPS_RECORD_MAX = 8192 };

/* PERF_FORMAT_LOST (include/uapi/linux/perf_event.h, since 6.0), not in older headers. */
enum { READ_FORMAT_LOST = 1 << 4 };

#ifndef PERF_RECORD_MISC_MMAP_BUILD_ID
#define PERF_RECORD_MISC_MMAP_BUILD_ID (1 << 14)
#endif

struct mmaps_ring {
	int fd;
	struct perf_event_mmap_page *page;
};

struct mmaps {
	struct mmaps_ring *rings;
	int count;
	size_t page_size;
	uint64_t lost;
};

/* PERF_RECORD_MMAP2 (include/uapi/linux/perf_event.h), without its sample_id behind the path. */
struct mmap2_record {
	struct perf_event_header header;
	uint32_t pid, tid;
	uint64_t addr, len, pgoff;
	uint8_t build_id_size, reserved[3], build_id[20];
	uint32_t prot, flags;
	char path[];
};

/* sample_id_all with PERF_SAMPLE_TIME: the time stands at a record's end. */
static int64_t record_time(const struct perf_event_header *header)
{
	int64_t time;
	memcpy(&time, (const char *)header + header->size - sizeof(time), sizeof(time));
	return time;
}

static int mmaps_open_cpu(struct mmaps *mmaps, int cpu)
{
	struct mmaps_ring *ring = &mmaps->rings[mmaps->count];
	struct perf_event_attr attr = {
		.type = PERF_TYPE_SOFTWARE,
		.size = sizeof(attr),
		.config = PERF_COUNT_SW_DUMMY,
		.sample_type = PERF_SAMPLE_TIME,
		.sample_id_all = 1,
		.read_format = READ_FORMAT_LOST,
		.mmap = 1,
		.mmap2 = 1,
		.build_id = 1,
		.comm = 1,
		.comm_exec = 1,
		.use_clockid = 1,
		.clockid = CLOCK_MONOTONIC,
		.watermark = 1,
		.wakeup_watermark = UINT32_MAX,
	};
	ring->fd = (int)syscall(SYS_perf_event_open, &attr, -1, cpu, -1, PERF_FLAG_FD_CLOEXEC);
	if (ring->fd < 0 && errno == EINVAL) { /* before 6.0 */
		attr.read_format = 0;
		ring->fd = (int)syscall(SYS_perf_event_open, &attr, -1, cpu, -1,
					PERF_FLAG_FD_CLOEXEC);
	}
	if (ring->fd < 0 && errno == EINVAL) { /* before 5.12: no build ids */
		attr.build_id = 0;
		ring->fd = (int)syscall(SYS_perf_event_open, &attr, -1, cpu, -1,
					PERF_FLAG_FD_CLOEXEC);
	}
	if (ring->fd < 0)
		return errno == ENODEV ? 0 : -errno;
	ring->page = mmap(NULL, (1 + MMAPS_RING_PAGES) * mmaps->page_size, PROT_READ | PROT_WRITE,
			  MAP_SHARED, ring->fd, 0);
	mmaps->count++;
	if (ring->page != MAP_FAILED)
		return 0;
	ring->page = NULL;
	return -errno;
}

int mmaps_open(struct mmaps **out)
{
	struct mmaps *mmaps = calloc(1, sizeof(*mmaps));
	long cpus = sysconf(_SC_NPROCESSORS_CONF);
	int error = -ENOMEM;
	*out = NULL;
	if (!mmaps)
		return error;
	mmaps->page_size = (size_t)sysconf(_SC_PAGESIZE);
	mmaps->rings = calloc((size_t)cpus, sizeof(*mmaps->rings));
	if (mmaps->rings)
		error = 0;
	for (int cpu = 0; cpu < cpus && !error; cpu++)
		error = mmaps_open_cpu(mmaps, cpu);
	if (error)
		mmaps_close(mmaps);
	else
		*out = mmaps;
	return error;
}

static int mmaps_add_mapping(const struct mmap2_record *record, struct order *order)
{
	struct mmap_news news = {
		.tgid = record->pid,
		.start = record->addr,
		.end = record->addr + record->len,
		.file_offset = record->pgoff,
	};
	size_t room = record->header.size - offsetof(struct mmap2_record, path);
	size_t length = strnlen(record->path,
				room < sizeof(news.path) ? room : sizeof(news.path) - 1);
	if (record->header.misc & PERF_RECORD_MISC_MMAP_BUILD_ID &&
	    record->build_id_size <= sizeof(news.build_id)) {
		news.build_id_size = record->build_id_size;
		memcpy(news.build_id, record->build_id, record->build_id_size);
	} else { /* before 5.12: maj and min of the device, then the inode */
		memcpy(&news.inode, record->build_id + 4, sizeof(news.inode));
	}
	memcpy(news.path, record->path, length);
	return order_add(order, record_time(&record->header), MMAP_KIND, &news,
			 offsetof(struct mmap_news, path) + length + 1);
}

static int mmaps_add(struct mmaps *mmaps, const struct perf_event_header *header,
		     struct order *order)
{
	uint64_t lost;
	switch (header->type) {
	case PERF_RECORD_MMAP2:
		return mmaps_add_mapping((const struct mmap2_record *)header, order);
	case PERF_RECORD_COMM:
		if (!(header->misc & PERF_RECORD_MISC_COMM_EXEC))
			return 0;
		struct mmap_news news = { .exec = true };
		memcpy(&news.tgid, header + 1, sizeof(news.tgid));
		return order_add(order, record_time(header), MMAP_KIND, &news,
				 offsetof(struct mmap_news, path) + 1);
	case PERF_RECORD_LOST: /* { header; u64 id, lost; sample_id } */
		memcpy(&lost, (const char *)(header + 1) + sizeof(lost), sizeof(lost));
		mmaps->lost += lost;
	}
	return 0;
}

/* Records may go over the ring's end: each is copied out. */
static int mmaps_drain_ring(struct mmaps *mmaps, struct mmaps_ring *ring, struct order *order)
{
	const char *data = (const char *)ring->page + mmaps->page_size;
	size_t size = MMAPS_RING_PAGES * mmaps->page_size;
	uint64_t head = __atomic_load_n(&ring->page->data_head, __ATOMIC_ACQUIRE);
	uint64_t tail = ring->page->data_tail;
	int error = 0;
	while (tail < head && !error) {
		_Alignas(8) char record[MMAPS_RECORD_MAX];
		const struct perf_event_header *header =
			(const struct perf_event_header *)(data + tail % size);
		size_t n = header->size, first = size - tail % size;
		if (n < sizeof(*header))
			return -EIO;
		if (n <= sizeof(record)) {
			memcpy(record, data + tail % size, n < first ? n : first);
			if (n > first)
				memcpy(record + first, data, n - first);
			error = mmaps_add(mmaps, (struct perf_event_header *)record, order);
		}
		tail += n;
	}
	__atomic_store_n(&ring->page->data_tail, tail, __ATOMIC_RELEASE);
	return error;
}

int mmaps_drain(struct mmaps *mmaps, struct order *order)
{
	int error = 0;
	for (int i = 0; i < mmaps->count && !error; i++)
		error = mmaps_drain_ring(mmaps, &mmaps->rings[i], order);
	return error;
}

uint64_t mmaps_lost(const struct mmaps *mmaps)
{
	uint64_t lost = 0;
	/* { value, lost }; without the format only what a later record told is known. */
	for (int i = 0; i < mmaps->count; i++) {
		uint64_t values[2];
		if (read(mmaps->rings[i].fd, values, sizeof(values)) == sizeof(values))
			lost += values[1];
	}
	return lost > mmaps->lost ? lost : mmaps->lost;
}

void mmaps_close(struct mmaps *mmaps)
{
	if (!mmaps)
		return;
	for (int i = 0; i < mmaps->count; i++) {
		if (mmaps->rings[i].page)
			munmap(mmaps->rings[i].page, (1 + MMAPS_RING_PAGES) * mmaps->page_size);
		close(mmaps->rings[i].fd);
	}
	free(mmaps->rings);
	free(mmaps);
}
