/*
 * Which sources a choice wants: only those named, or more and fewer than what is recorded anyway.
 */
#include <string.h>
#include "recorder/choice.h"
#include "tests/check.h"

static bool wants(const char *words, const char *name, bool opt_in)
{
	struct source source = { .opt_in = opt_in };

	snprintf(source.name, sizeof(source.name), "%s", name);
	return choice_wants(words, &source);
}

static void check_none(void)
{
	CHECK(wants(NULL, "fault", false) && wants("", "fault", false));
	CHECK(!wants(NULL, "kmem_event", true));
	CHECK(wants("reclaim", "task", false));
}

static void check_only(void)
{
	CHECK(wants("fault,heap", "fault", false) && wants("fault,heap", "heap", false));
	CHECK(wants("fault", "fault_total", false));
	CHECK(!wants("fault_total", "fault", false));
	CHECK(!wants("faul", "fault", false));
	CHECK(!wants("fault,heap", "reclaim", false));
}

static void check_signs(void)
{
	CHECK(wants("+kmem_event", "kmem_event", true) && wants("+kmem_event", "fault", false));
	CHECK(!wants("-fault", "fault_total", false) && wants("-fault", "heap", false));
	CHECK(!wants("heap,-heap", "heap", false) && wants("-heap,+heap", "heap", false));
	/* A family does not ask for what is off unless asked for. */
	CHECK(!wants("kmem", "kmem_event", true) && wants("kmem,kmem_event", "kmem_event", true));
	CHECK(!wants("kmem_event,-kmem", "kmem_event", true));
}

int main(void)
{
	check_none();
	check_only();
	check_signs();
	return 0;
}
