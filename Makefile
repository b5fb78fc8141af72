# Outputs go to $(O), mirroring the tree. A new BPF program, report, C file or test needs no edit here.
O ?= build
CC = gcc
CLANG ?= clang
Q := $(if $(filter 1,$(V)),,@)
say = $(if $(filter 1,$(V)),,@printf '  %-7s %s\n' $(1) $(@:$(O)/%=%))

build_packages := gcc make pkg-config clang bpftool protobuf-c-compiler libbpf-dev libelf-dev \
                  zlib1g-dev libzstd-dev libprotobuf-c-dev libsqlite3-dev libdw-dev \
                  liblzma-dev libiberty-dev
test_packages := protobuf-compiler zstd sqlite3 linux-perf strace procps sysstat python3 libcap2-bin \
                 binutils xz-utils clang-format musl-tools
vm_packages := qemu-system-x86 busybox-static cpio kmod xz-utils

MAKEFLAGS += --no-builtin-rules
.DELETE_ON_ERROR:
.SECONDARY:
.PHONY: all setup demo test truth bench vm clean format format-check lint
all: $(O)/memtape $(O)/memtape-record

ifneq ($(filter setup,$(MAKECMDGOALS)),)
.NOTPARALLEL: # what is set up comes first
endif
ifeq ($(filter setup clean,$(MAKECMDGOALS)),)
missing := $(shell sh tests/packages.sh missing $(build_packages))
ifneq ($(missing),)
$(error not installed: $(missing). Run: make setup $(MAKECMDGOALS))
endif
endif

pkgs := libzstd libprotobuf-c sqlite3 libdw libelf libbpf liblzma zlib
warnings := -Wall -Wextra -Wmissing-prototypes -Wstrict-prototypes -Wvla $(if $(CI),-Werror)
sanitize := $(if $(SAN),-fsanitize=$(SAN) -fno-sanitize-recover=all -fno-omit-frame-pointer)
all_cflags := -std=gnu11 -O2 -g $(warnings) -MMD -MP -I. -I$(O) -D_GNU_SOURCE $(sanitize) $(CFLAGS)
proto := $(O)/format/trace.pb-c

format_obj := $(patsubst %.c,$(O)/%.o,$(wildcard format/*.c)) $(proto).o
analyzer_obj := $(patsubst %.c,$(O)/%.o,$(wildcard analyzer/*.c analyzer/*/*.c)) $(O)/analyzer/schema.sql.o
report_obj := $(patsubst %.c,$(O)/%.o,$(filter-out report/main.c,$(wildcard report/*.c))) $(O)/report/reports.o
recorder_obj := $(patsubst %.c,$(O)/%.o,$(filter-out recorder/main.c,$(wildcard recorder/*.c))) $(O)/bpf/objects.o
format_libs := -lzstd -lprotobuf-c -lz
analyzer_libs := $(format_libs) -lsqlite3 -ldw -lelf -liberty -lm -lpthread
recorder_libs := $(format_libs) -lbpf -lelf -llzma

$(O)/memtape: $(O)/report/main.o $(report_obj) $(analyzer_obj) $(format_obj)
	$(call say,LINK)
	$(Q)$(CC) $(sanitize) $(LDFLAGS) -o $@ $^ $(analyzer_libs)

$(O)/memtape-record: $(O)/recorder/main.o $(recorder_obj) $(format_obj)
	$(call say,LINK)
	$(Q)$(CC) $(sanitize) $(LDFLAGS) -o $@ $^ $(recorder_libs)

$(O)/%.o: %.c | $(proto).h
	$(call say,CC)
	@mkdir -p $(@D)
	$(Q)$(CC) $(all_cflags) -c $< -o $@

$(proto).c: format/trace.proto
	$(call say,PROTO)
	@mkdir -p $(@D)
	$(Q)protoc-c --c_out=$(O) format/trace.proto
$(proto).h: $(proto).c ;
$(proto).o: $(proto).c
	$(call say,CC)
	$(Q)$(CC) $(all_cflags) -c $< -o $@

# ---- BPF: every bpf/*.bpf.c is an object of its own inside memtape-record

bpf_obj := $(patsubst %.c,$(O)/%.o,$(wildcard bpf/*.bpf.c))
bpf_old_obj := $(patsubst %.bpf.c,$(O)/%_old.bpf.o,$(shell grep -lE '"bpf/(old|stack).h"' bpf/*.bpf.c))
bpf_arch = $(subst x86_64,x86,$(subst aarch64,arm64,$(shell uname -m)))
bpf_cflags = -g -O2 -target bpf -mcpu=v3 -D__TARGET_ARCH_$(bpf_arch) -Wall -Wextra -Werror -MMD -MP -I. \
              -idirafter /usr/include/$(shell $(CC) -print-multiarch)

$(O)/%.bpf.o: %.bpf.c
	$(call say,BPF)
	@mkdir -p $(@D)
	$(Q)$(CLANG) $(bpf_cflags) -c $< -o $@

# For kernels before 5.12: bpf/old.h.
$(O)/bpf/%_old.bpf.o: bpf/%.bpf.c
	$(call say,BPF)
	@mkdir -p $(@D)
	$(Q)$(CLANG) $(bpf_cflags) -DOLD_KERNEL -c $< -o $@

$(O)/bpf/objects.S: $(bpf_obj) $(bpf_old_obj) bpf/embed.sh
	$(call say,EMBED)
	$(Q)sh bpf/embed.sh $(bpf_obj) $(bpf_old_obj) > $@
$(O)/bpf/objects.o: $(O)/bpf/objects.S
	$(Q)$(CC) -c $< -o $@

# ---- SQL inside memtape: every report/NAME.sql is a report

$(O)/report/reports.c: $(sort $(wildcard report/*.sql)) report/embed.sh
	$(call say,EMBED)
	@mkdir -p $(@D)
	$(Q)sh report/embed.sh reports $(filter %.sql,$^) > $@
$(O)/report/reports.o: $(O)/report/reports.c
	$(Q)$(CC) $(all_cflags) -c $< -o $@
$(O)/analyzer/schema.sql.c: analyzer/schema.sql report/embed.sh
	$(call say,EMBED)
	@mkdir -p $(@D)
	$(Q)sh report/embed.sh schema_sql $< > $@
$(O)/analyzer/schema.sql.o: $(O)/analyzer/schema.sql.c
	$(Q)$(CC) $(all_cflags) -c $< -o $@

# ---- tests: tests/unit/NAME.c is one program; tests/run runs it and every script

unit := $(patsubst %.c,$(O)/%,$(wildcard tests/unit/*.c tests/fuzz/*.c tests/bench/*.c))
programs := $(patsubst %.c,$(O)/%,$(wildcard tests/live/*.c tests/demo/*.c))
stack_libs := $(patsubst %.c,$(O)/%.so,$(wildcard tests/stacks/lib/*.c))
stack_programs := $(foreach program,$(patsubst %.c,$(O)/%,$(wildcard tests/stacks/*.c)),\
	$(program) $(program).static $(if $(shell command -v musl-gcc),$(program).musl))
truth_obj := $(patsubst %.c,$(O)/%.o,$(filter-out %.bpf.c,$(wildcard tests/truth/*.c)))
truth := $(O)/tests/truth/truth $(O)/tests/truth/truth.bpf.o
everything := $(report_obj) $(analyzer_obj) $(recorder_obj) $(format_obj)

# It takes its own stacks, also by frame pointers.
$(O)/tests/bench/stack_handler.o: all_cflags += -fno-omit-frame-pointer -fno-optimize-sibling-calls -fno-inline
$(unit): $(O)/%: $(O)/%.o $(everything)
	$(call say,LINK)
	$(Q)$(CC) $(sanitize) $(LDFLAGS) -o $@ $^ $(analyzer_libs) -lbpf -llzma

# Stacks against libdwfl's; the BPF object lies beside the program.
$(O)/tests/truth/truth: $(truth_obj) $(everything)
	$(call say,LINK)
	$(Q)$(CC) $(sanitize) $(LDFLAGS) -o $@ $^ $(analyzer_libs) -lbpf -llzma

# What the live tests record: no sanitizer, nothing inlined away; with frame pointers, but for the
# demonstration, which is built as programs are.
$(programs): flags = -O1 -fno-omit-frame-pointer
$(O)/tests/demo/%: flags = -O2
$(programs): $(O)/%: %.c
	$(call say,CC)
	@mkdir -p $(@D)
	$(Q)$(CC) -std=gnu11 $(flags) -g -fno-optimize-sibling-calls -fno-inline -D_GNU_SOURCE \
		-Wall -Wextra -MMD -MP -I. -o $@ $< -lpthread

# Programs whose stacks are hard to find: built like a distribution's, without frame pointers; with
# libraries, linked statically, and with musl.
stack_cc = -std=gnu11 -O2 -g -fomit-frame-pointer -fno-stack-protector -D_GNU_SOURCE -Wall -Wextra \
	-MMD -MP -MT $@ -MF $@.d -I. -o $@ $<

$(stack_libs): $(O)/%.so: %.c
	$(call say,CC)
	@mkdir -p $(@D)
	$(Q)$(CC) -fPIC -shared -Wl,-soname,$(@F),-z,lazy $(stack_cc)
$(O)/tests/stacks/%.static: tests/stacks/%.c
	$(call say,CC)
	@mkdir -p $(@D)
	$(Q)$(CC) -static $(stack_cc) -lpthread
$(O)/tests/stacks/%.musl: tests/stacks/%.c
	$(call say,CC)
	@mkdir -p $(@D)
	$(Q)musl-gcc $(stack_cc)
$(O)/tests/stacks/%: tests/stacks/%.c $(stack_libs)
	$(call say,CC)
	@mkdir -p $(@D)
	$(Q)$(CC) -DDYNAMIC -Wl,-z,lazy,-rpath,'$$ORIGIN/lib' $(stack_cc) $(stack_libs) -lpthread

.PHONY: tests-build
tests-build: all $(unit) $(truth) $(programs) $(stack_programs)

# What is missing, by tiers: demo wants what a build needs, test also what only tests need, vm what boots other kernels.
setup:
	$(Q)sh tests/packages.sh install $(build_packages) $(if $(filter test truth bench,$(MAKECMDGOALS)),$(test_packages)) \
		$(if $(filter vm,$(MAKECMDGOALS)),$(vm_packages))

demo: all $(programs)
	$(Q)O=$(O) sh tests/demo/demo.sh

test: tests-build
	$(Q)O=$(O) sh tests/run

# Stacks against libdwfl's, some minutes.
truth: tests-build
	$(Q)O=$(O) sh tests/truth/run

bench: tests-build
	$(Q)O=$(O) sh tests/bench/run

# Other kernels, under qemu. They stay in $(O)/vm, where make test finds them too.
vm: tests-build
	$(Q)O=$(O) sh tests/vm/guest/fetch.sh
	$(Q)O=$(O) sh tests/run vm

c_files = $(shell git ls-files '*.c' '*.h')
format:
	$(Q)clang-format -i $(c_files)
format-check:
	$(Q)clang-format --dry-run -Werror $(c_files)
lint: format-check
	$(Q)sh tests/layers.sh

clean:
	$(Q)rm -rf $(O)

-include $(shell find $(O) -name '*.d' 2>/dev/null)
