#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>
#include "recorder/host.h"

/* The first line of a file, without its end; "": it cannot be read. */
static void line_read(const char *root, const char *path, char *text, size_t size)
{
	char name[4096];
	text[0] = '\0';
	snprintf(name, sizeof(name), "%s%s", root, path);
	FILE *file = fopen(name, "re");
	if (!file)
		return;
	if (!fgets(text, (int)size, file))
		text[0] = '\0';
	text[strcspn(text, "\n")] = '\0';
	fclose(file);
}

void host_read(struct host *host)
{
	struct utsname names;
	struct tm local;
	time_t now = time(NULL);
	*host = (struct host){ .page_size_bytes = (uint64_t)sysconf(_SC_PAGESIZE),
			       .ticks_per_s = (uint64_t)sysconf(_SC_CLK_TCK),
			       .cpus = (uint64_t)sysconf(_SC_NPROCESSORS_ONLN) };
	uname(&names);
	localtime_r(&now, &local);
	line_read("", "/proc/sys/kernel/random/boot_id", host->boot_id, sizeof(host->boot_id));
	snprintf(host->name, sizeof(host->name), "%s", names.nodename);
	snprintf(host->kernel, sizeof(host->kernel), "%.200s %.200s", names.release, names.version);
	snprintf(host->machine, sizeof(host->machine), "%.63s", names.machine);
	snprintf(host->zone, sizeof(host->zone), "%s", local.tm_zone);
	host->utc_offset_s = local.tm_gmtoff;
}

/* ---- a recorded tree */

static FILE *tree_open(const char *root, const char *path)
{
	char name[4096];
	snprintf(name, sizeof(name), "%s%s", root, path);
	return fopen(name, "re");
}

static uint64_t count_cpus(const char *root)
{
	char line[8192];
	uint64_t cpus = 0;
	FILE *file = tree_open(root, "/proc/stat");
	while (file && fgets(line, sizeof(line), file))
		cpus += !strncmp(line, "cpu", 3) && line[3] != ' ';
	if (file)
		fclose(file);
	return cpus;
}

static void fact_take(struct host *host, const char *key, const char *value)
{
	if (!strcmp(key, "page_size_bytes"))
		host->page_size_bytes = strtoull(value, NULL, 10);
	else if (!strcmp(key, "ticks_per_s"))
		host->ticks_per_s = strtoull(value, NULL, 10);
	else if (!strcmp(key, "utc_offset_s"))
		host->utc_offset_s = strtoll(value, NULL, 10);
	else if (!strcmp(key, "zone_text"))
		snprintf(host->zone, sizeof(host->zone), "%s", value);
	else if (!strcmp(key, "machine_text"))
		snprintf(host->machine, sizeof(host->machine), "%s", value);
}

static void facts_read(struct host *host, const char *root)
{
	char line[512], key[64], value[64];
	FILE *file = tree_open(root, "/host");
	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "%63s %63s", key, value) == 2)
			fact_take(host, key, value);
	if (file)
		fclose(file);
	if (!host->page_size_bytes || !host->ticks_per_s)
		host->page_size_bytes = 4096, host->ticks_per_s = 100;
}

void host_read_tree(struct host *host, const char *root)
{
	char version[256];
	*host = (struct host){
		.page_size_bytes = 4096, .ticks_per_s = 100, .zone = "UTC", .cpus = count_cpus(root)
	};
	line_read(root, "/proc/sys/kernel/random/boot_id", host->boot_id, sizeof(host->boot_id));
	line_read(root, "/proc/sys/kernel/hostname", host->name, sizeof(host->name));
	line_read(root, "/proc/sys/kernel/osrelease", host->kernel, 200);
	line_read(root, "/proc/sys/kernel/version", version, sizeof(version));
	size_t length = strlen(host->kernel);
	snprintf(host->kernel + length, sizeof(host->kernel) - length, " %s", version);
	line_read(root, "/proc/sys/kernel/arch", host->machine, sizeof(host->machine));
	facts_read(host, root);
}

int host_tree_time(const char *root, int64_t *ts_ns, int64_t *realtime_ns)
{
	char line[8192];
	double up_s;
	int64_t btime = 0;
	line_read(root, "/proc/uptime", line, sizeof(line));
	if (sscanf(line, "%lf", &up_s) != 1 || !(up_s > 0 && up_s < 1e9))
		return -ENOENT;
	*ts_ns = (int64_t)(up_s * 100 + 0.5) * 10000000;
	FILE *file = tree_open(root, "/proc/stat");
	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "btime %" SCNd64, &btime) == 1)
			break;
	if (file)
		fclose(file);
	*realtime_ns = btime * 1000000000 + *ts_ns;
	return 0;
}
