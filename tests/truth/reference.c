#include <dwarf.h>
#include <elfutils/libdwfl.h>
#include "tests/check.h"
#include "tests/truth/reference.h"

enum { RSP = 7, RIP = 16, VIEWS_MAX = 16, ENTRY_SIZE = 64 };

/* libdwfl's view of one process, good while its mappings stay the same. */
struct view {
	uint32_t tgid;
	uint64_t version, used;
	Dwfl *dwfl;
	struct reference *reference;
};

struct reference {
	struct view views[VIEWS_MAX];
	struct view *now;
	uint64_t uses;
	const struct truth_sample *sample;
	struct reference_walk *walk;
};

/* ---- what libdwfl asks for */

static int no_debug_info(Dwfl_Module *module, void **user, const char *name, Dwarf_Addr base,
			 const char *path, const char *link, GElf_Word crc, char **out)
{
	(void)module, (void)user, (void)name, (void)base;
	(void)path, (void)link, (void)crc, (void)out;
	return -1;
}

static const Dwfl_Callbacks callbacks = { .find_debuginfo = no_debug_info };

static bool copied_from(const void *memory, size_t bytes, uint64_t at, Dwarf_Word *out)
{
	if (at >= bytes || bytes - at < sizeof(*out))
		return false;
	memcpy(out, (const char *)memory + at, sizeof(*out));
	return true;
}

static bool copied(const struct truth_sample *sample, Dwarf_Addr addr, Dwarf_Word *out)
{
	uint64_t low = sample->reg[RSP] & ~7ULL, other = sample->other_top - SAMPLE_OTHER_MAX;
	for (size_t i = 0; i < sample->returns; i++)
		if (addr == sample->return_at[i]) {
			*out = sample->return_to[i];
			return true;
		}
	return copied_from(sample->memory, sample->bytes, addr - low, out) ||
	       copied_from(sample->below, SAMPLE_BELOW, addr - (low - SAMPLE_BELOW), out) ||
	       (sample->other_top - addr <= sample->other_bytes &&
		copied_from(sample->other, SAMPLE_OTHER_MAX, addr - other, out));
}

static bool read_memory(Dwfl *dwfl, Dwarf_Addr addr, Dwarf_Word *out, void *context)
{
	const struct reference *reference = ((const struct view *)context)->reference;
	(void)dwfl;
	if (copied(reference->sample, addr, out))
		return true;
	reference->walk->missed = true;
	reference->walk->missed_addr = addr;
	return false;
}

static pid_t next_thread(Dwfl *dwfl, void *context, void **thread)
{
	bool first = !*thread;
	(void)dwfl;
	*thread = context;
	return first;
}

static bool get_thread(Dwfl *dwfl, pid_t tid, void *context, void **thread)
{
	(void)dwfl, (void)tid;
	*thread = context;
	return true;
}

static bool set_registers(Dwfl_Thread *thread, void *context)
{
	const struct view *view = context;
	Dwarf_Word reg[STACK_REGISTERS];
	for (int i = 0; i < STACK_REGISTERS; i++)
		reg[i] = view->reference->sample->reg[i];
	return dwfl_thread_state_registers(thread, 0, STACK_REGISTERS, reg);
}

static const Dwfl_Thread_Callbacks thread_callbacks = {
	.next_thread = next_thread,
	.get_thread = get_thread,
	.memory_read = read_memory,
	.set_initial_registers = set_registers,
};

/* ---- modules */

/* How far the file's addresses are from those in memory. libdwfl does not believe that a program at
 * a fixed address can be elsewhere as well: node maps a part of itself again. */
static bool place_bias(const struct place *place, uint64_t *bias)
{
	Elf *elf = elf_begin(place->image->fd, ELF_C_READ, NULL);
	size_t count = 0;
	bool found = false;
	GElf_Ehdr head;
	if (elf_getphdrnum(elf, &count))
		count = 0;
	for (size_t i = 0; i < count && !found; i++) {
		GElf_Phdr header;
		if (!gelf_getphdr(elf, (int)i, &header) || header.p_type != PT_LOAD)
			continue;
		uint64_t first = header.p_offset & ~0xfffULL;
		found = header.p_flags & PF_X && place->file_offset >= first &&
			place->file_offset < header.p_offset + header.p_filesz;
		*bias = place->start - place->file_offset + header.p_offset - header.p_vaddr;
	}
	if (found && *bias && (!gelf_getehdr(elf, &head) || head.e_type == ET_EXEC))
		found = false;
	elf_end(elf);
	return found;
}

static bool overlaps(const struct place *place, const struct place *later, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (place->start < later[i].end && later[i].start < place->end)
			return true;
	return false;
}

/* A file may have several mappings of code; it is one module. */
static bool is_reported(const struct place *place, uint64_t bias, const struct place *later,
			size_t count)
{
	uint64_t its_bias;
	for (size_t i = 0; i < count; i++)
		if (later[i].image == place->image && place_bias(&later[i], &its_bias) &&
		    its_bias == bias && !overlaps(&later[i], later + i + 1, count - i - 1))
			return true;
	return false;
}

/* The latest mappings first: older ones that they lie upon are there no more. */
static void view_report(const struct view *view, const struct process_places *places)
{
	for (size_t i = places->count; i-- > 0;) {
		const struct place *place = &places->all[i], *later = place + 1;
		size_t count = places->count - i - 1;
		char path[64];
		uint64_t bias;
		if (!place->image || place->image->fd < 0 || overlaps(place, later, count) ||
		    !place_bias(place, &bias) || is_reported(place, bias, later, count))
			continue;
		snprintf(path, sizeof(path), "/proc/self/fd/%d", place->image->fd);
		dwfl_report_elf(view->dwfl, place->image->path, path, -1, bias, true);
	}
}

static void view_open(struct view *view, struct reference *reference, uint32_t tgid,
		      const struct process_places *places)
{
	dwfl_end(view->dwfl);
	*view = (struct view){ .tgid = tgid,
			       .version = places->version,
			       .reference = reference,
			       .dwfl = dwfl_begin(&callbacks) };
	CHECK(view->dwfl);
	dwfl_report_begin(view->dwfl);
	view_report(view, places);
	dwfl_report_end(view->dwfl, NULL, NULL);
	dwfl_attach_state(view->dwfl, NULL, (pid_t)tgid, &thread_callbacks, view);
}

static void reference_choose(struct reference *reference, uint32_t tgid,
			     const struct process_places *places)
{
	struct view *oldest = reference->views, *found = NULL;
	for (int i = 0; i < VIEWS_MAX; i++) {
		struct view *view = &reference->views[i];
		if (view->dwfl && view->tgid == tgid)
			found = view;
		if (view->used < oldest->used)
			oldest = view;
	}
	if (!found || found->version != places->version) {
		found = found ? found : oldest;
		view_open(found, reference, tgid, places);
	}
	found->used = ++reference->uses;
	reference->now = found;
}

/* ---- walking */

static int take_frame(Dwfl_Frame *frame, void *context)
{
	struct reference_walk *walk = context;
	Dwarf_Addr pc;
	bool activation;
	walk->missed = false; /* dwfl_frame_pc() takes the next step, to learn what this frame is */
	if (walk->frames == REFERENCE_FRAMES_MAX || !dwfl_frame_pc(frame, &pc, &activation))
		return DWARF_CB_ABORT;
	walk->ip[walk->frames] = pc;
	walk->called[walk->frames++] = !activation;
	return DWARF_CB_OK;
}

static Dwarf_Frame *code_frame(Dwfl_Module *module, uint64_t pc)
{
	Dwarf_Addr bias;
	Dwarf_Frame *frame;
	Dwarf_CFI *cfi = module ? dwfl_module_eh_cfi(module, &bias) : NULL;
	return cfi && !dwarf_cfi_addrframe(cfi, pc - bias, &frame) ? frame : NULL;
}

static bool is_signal(const struct reference *reference, uint64_t ip)
{
	Dwarf_Frame *frame = code_frame(dwfl_addrmodule(reference->now->dwfl, ip), ip);
	bool signal = false;
	if (frame && dwarf_frame_info(frame, NULL, NULL, &signal) < 0)
		signal = false;
	free(frame);
	return signal;
}

/* As the recorder has it: a frame that a signal interrupted looks as if it had called. */
static void mark_interrupted(const struct reference *reference, struct reference_walk *walk)
{
	for (size_t i = walk->frames; i-- > 1;)
		if (!walk->called[i] && is_signal(reference, walk->ip[i - 1])) {
			walk->ip[i]++;
			walk->called[i] = true;
		}
}

void reference_walk(struct reference *reference, const struct process_places *places, uint32_t tgid,
		    const struct truth_sample *sample, struct reference_walk *out)
{
	out->frames = 0;
	out->missed = false;
	out->error[0] = '\0';
	reference->sample = sample;
	reference->walk = out;
	reference_choose(reference, tgid, places);
	if (dwfl_getthread_frames(reference->now->dwfl, 1, take_frame, out) < 0)
		snprintf(out->error, sizeof(out->error), "%s", dwfl_errmsg(-1));
	mark_interrupted(reference, out);
	if (!out->frames) { /* no module at all */
		out->frames = 1;
		out->ip[0] = sample->reg[RIP];
		out->called[0] = false;
	}
}

/* ---- what code is */

static bool is_entry(Dwfl_Module *module, uint64_t ip)
{
	GElf_Addr bias;
	GElf_Ehdr header;
	Elf *elf = dwfl_module_getelf(module, &bias);
	return elf && gelf_getehdr(elf, &header) && ip - bias - header.e_entry < ENTRY_SIZE;
}

static bool is_undefined(Dwarf_Frame *frame)
{
	Dwarf_Op memory[3], *ops = NULL;
	size_t count = 0;
	return !dwarf_frame_register(frame, RIP, memory, &ops, &count) && !count && ops == memory;
}

enum reference_code reference_code(struct reference *reference, uint64_t ip, bool called)
{
	Dwfl_Module *module = dwfl_addrmodule(reference->now->dwfl, ip - called);
	Dwarf_Frame *frame = code_frame(module, ip - called);
	if (!module)
		return CODE_UNMAPPED;
	if (!frame)
		return is_entry(module, ip) ? CODE_OUTERMOST : CODE_BARE;
	bool outermost = is_undefined(frame);
	free(frame);
	return outermost ? CODE_OUTERMOST : CODE_INNER;
}

const char *reference_name(struct reference *reference, uint64_t ip, bool called, const char **file)
{
	Dwfl_Module *module = dwfl_addrmodule(reference->now->dwfl, ip - called);
	*file = "";
	if (!module)
		return "";
	*file = dwfl_module_info(module, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
	const char *name = dwfl_module_addrname(module, ip - called);
	return name ? name : "";
}

struct reference *reference_open(void)
{
	struct reference *reference = calloc(1, sizeof(*reference));
	CHECK(reference);
	elf_version(EV_CURRENT);
	return reference;
}

void reference_close(struct reference *reference)
{
	for (int i = 0; i < VIEWS_MAX; i++)
		dwfl_end(reference->views[i].dwfl);
	free(reference);
}
