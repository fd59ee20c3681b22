# weft: one Makefile for everything. `make demo` and `make test` work from a fresh clone: they and
# `make deps` alone install packages.
#
#   make all       library, programs and Lua modules       make bench     `name value unit` rows
#   make demo      the main job, into results/             make validate  against theory, ns-3
#   make test      every test and gate                     make docs      reference pages
#   make deps      install missing Debian packages         make install   PREFIX=, DESTDIR=; uninstall
#   make golden    record what the golden scenes give       make dist      a tar file of what is committed
#   make format    clang-format over all C files
#
# CONFIG=release|debug|check|asan|tsan, V=1 shows commands, WERROR=1 (or CI=1) makes warnings errors.

# ---- settings ---------------------------------------------------------------------------------

CONFIG  ?= release
PREFIX  ?= /usr/local
DESTDIR ?=
CC      := gcc
JOBS    ?= $(shell nproc)

# Debian 12. Nothing else in the repository names a package.
PACKAGES := gcc make pkg-config lua5.4 liblua5.4-dev luajit libluajit-5.1-dev lua-busted lua-check \
  lua-argparse lua-filesystem libcsv-dev libcairo2-dev fonts-dejavu-core libedit2 valgrind
# Nothing but `make format`, its test and that of the C++ example needs these: where they cannot be
# had, these are skipped.
TOOL_PACKAGES := clang-format g++

CFLAGS_release := -O3 -g1 -DNDEBUG
CFLAGS_debug   := -O0 -g
CFLAGS_check   := -O1 -g -DWEFT_CHECK=1
CFLAGS_asan    := -O1 -g -DWEFT_CHECK=1 -fsanitize=address,undefined -fno-omit-frame-pointer \
  -fno-sanitize-recover=undefined
CFLAGS_tsan    := -O1 -g -DWEFT_CHECK=1 -fsanitize=thread
ifeq ($(CFLAGS_$(CONFIG)),)
$(error CONFIG: expected release, debug, check, asan or tsan, got '$(CONFIG)')
endif

WARNINGS := -Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wundef
ifneq ($(filter 1 true,$(CI) $(WERROR)),)
WARNINGS += -Werror
endif

# No contraction: the same sums on every machine, so the same fingerprint.
CFLAGS  := -std=c11 -fPIC -fvisibility=hidden -ffp-contract=off -pthread -MMD -MP $(WARNINGS) \
  $(CFLAGS_$(CONFIG)) -Icore
LDFLAGS := -pthread $(filter -fsanitize=%,$(CFLAGS_$(CONFIG)))

MAKEFLAGS += --no-builtin-rules
ifeq ($(MAKELEVEL),0)
MAKEFLAGS += -j$(JOBS)
endif
.SUFFIXES:
.DELETE_ON_ERROR:
.DEFAULT_GOAL := all

ifeq ($(V),1)
Q :=
say = @:
else
Q := @
say = @printf '  %-5s %s\n'
endif

# ---- sources ----------------------------------------------------------------------------------

VMS := lua5.4 luajit

# All of the core; of the rest every C file is in one of these lists, and a test says so when one
# is not.
CORE_SOURCES := $(sort $(shell find core -name '*.c'))
BINDING_SOURCES := $(addprefix bindings/capi/, l_accel.c l_config.c l_core.c l_fabric.c \
  l_fields.c l_learn.c l_learned.c l_output.c l_results.c l_run.c l_script.c l_sim.c \
  l_util.c l_work.c)
CSV_SOURCES     := bindings/capi/l_csv.c
CAIRO_SOURCES   := viz/cairo.c
PROGRAM_SOURCES := $(addprefix lua/, host.c interrupt.c lineedit.c main.c)
TEST_SOURCES    := $(addprefix tests/c/, fixture.c test_accel.c test_accel_forward.c \
  test_accel_fuzz.c test_accel_memo.c test_alone.c test_alpha_beta.c test_apart.c test_arena.c \
  test_cc.c \
  test_collective.c \
  test_conservation.c test_engine.c test_error.c test_event_queue.c test_fairness.c test_fields.c test_fingerprint.c \
  test_fluid.c test_fluid_cc.c test_fluid_cc_loss.c test_fluid_random.c \
  test_fuzz.c test_ideal.c test_impair.c test_learn_file.c test_learn_tape.c test_learn_train.c test_main.c test_md1.c test_memory.c test_movement.c \
  test_output.c test_partition.c test_pattern.c test_recovery.c test_swap.c test_tcp.c test_threads.c test_timer.c \
  test_traffic.c test_trouble.c test_units.c test_way_back.c test_ways.c)
TOOL_SOURCES    := tests/tools/pty.c
BENCH_SOURCES   := $(addprefix tests/bench/, bench.c cases.c fluid.c inputs.c memory.c parts.c skeleton.c)
PUBLIC_HEADERS  := core/weft.h core/weft_types.h core/weft_linkage.h

# "major.minor.patch", from the one place that has it.
VERSION := $(shell sed -n 's/.*return "\([0-9.]*\)".*/\1/p' core/base/version.c)

# ---- derived names ----------------------------------------------------------------------------

B := build/$(CONFIG)
objects = $(patsubst %.c,$(B)/obj/$(1)/%.o,$(2))

CORE_OBJECTS := $(call objects,core,$(CORE_SOURCES))
TEST_OBJECTS := $(call objects,core,$(TEST_SOURCES))
BENCH_OBJECTS := $(call objects,core,$(BENCH_SOURCES))
LIBRARY := $(B)/libweft.a
SHARED  := $(B)/libweft.so.0
CTEST   := $(B)/tests/ctest
CBENCH  := $(B)/tests/cbench
PTY     := $(B)/tests/pty

program_lua5.4 := $(B)/weft
program_luajit := $(B)/weftjit
MODULES  := $(foreach vm,$(VMS),$(addprefix $(B)/$(vm)/weft/, core.so csvcore.so cairo.so))
PROGRAMS := $(foreach vm,$(VMS),$(program_$(vm)))
LINKS    := $(if $(filter release,$(CONFIG)),build/weft build/weftjit)

# pkg-config is asked once, when something needs it. Headers of other projects are
# system headers: our warnings are not about them.
pkg_cflags = $(patsubst -I%,-isystem%,$(shell pkg-config --cflags $(1)))
lazy = $(eval $(1) := $(2))$($(1))
cflags_lua5.4 = $(call lazy,cflags_lua5.4,$(call pkg_cflags,lua5.4))
cflags_luajit = $(call lazy,cflags_luajit,$(call pkg_cflags,luajit))
cflags_cairo  = $(call lazy,cflags_cairo,$(call pkg_cflags,cairo))
libs_lua5.4   = $(call lazy,libs_lua5.4,$(shell pkg-config --libs lua5.4))
libs_luajit   = $(call lazy,libs_luajit,$(shell pkg-config --libs luajit))
libs_cairo    = $(call lazy,libs_cairo,$(shell pkg-config --libs cairo))

# ---- build ------------------------------------------------------------------------------------

.PHONY: all deps has-compiler has-packages demo test test-hostile golden format bench \
  bench-wormhole validate docs install uninstall dist clean

all: $(LIBRARY) $(MODULES) $(PROGRAMS) $(LINKS)

# Ordered only, so that asking for what is there never rebuilds anything.
$(B)/obj/core/%.o: %.c | has-compiler core/weft_types.h
	$(say) CC $<
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) $(EXTRA_$(firstword $(subst /, ,$*))) -c -o $@ $<

# Numbers of engines and congestion controls, and members for options, follow from their lists.
TYPE_LISTS := core/engines_i.h core/algorithms_i.h core/base/options.c
core/weft_types.h: core/types.awk $(TYPE_LISTS)
	@mkdir -p $(B)
	$(Q)awk -f core/types.awk $(TYPE_LISTS) $@ >$(B)/types.h
	$(Q)cmp -s $(B)/types.h $@ || cp $(B)/types.h $@

# Tests may reach into the core, and use more of the system than it does.
EXTRA_tests := -D_GNU_SOURCE -Itests/c

$(LIBRARY): $(CORE_OBJECTS)
	$(say) AR $@
	@rm -f $@
	$(Q)ar rcs $@ $^

$(SHARED): $(CORE_OBJECTS)
	$(say) LINK $@
	$(Q)$(CC) -shared -Wl,-soname,libweft.so.0 $(LDFLAGS) -o $@ $^ -lm

# What is compiled once for each Lua.
define vm_rules
$(B)/obj/$(1)/%.o: %.c | has-packages core/weft_types.h
	$$(say) CC '$$< ($(1))'
	@mkdir -p $$(@D)
	$$(Q)$$(CC) $$(CFLAGS) -D_GNU_SOURCE $$(cflags_$(1)) $$(if $$(filter viz/%,$$<),$$(cflags_cairo)) \
	  -Ibindings/capi -Ilua -c -o $$@ $$<

# The engine inside stays inside: only luaopen_* is seen.
$(B)/$(1)/weft/core.so: $(call objects,$(1),$(BINDING_SOURCES)) $(LIBRARY)
	$$(say) LINK $$@
	@mkdir -p $$(@D)
	$$(Q)$$(CC) -shared -Wl,--exclude-libs,ALL $$(LDFLAGS) -o $$@ $$^ -lm

$(B)/$(1)/weft/csvcore.so: $(call objects,$(1),$(CSV_SOURCES))
	$$(say) LINK $$@
	@mkdir -p $$(@D)
	$$(Q)$$(CC) -shared $$(LDFLAGS) -o $$@ $$^ -lcsv

$(B)/$(1)/weft/cairo.so: $(call objects,$(1),$(CAIRO_SOURCES)) $(LIBRARY)
	$$(say) LINK $$@
	@mkdir -p $$(@D)
	$$(Q)$$(CC) -shared -Wl,--exclude-libs,ALL $$(LDFLAGS) -o $$@ $$^ $$(libs_cairo) -lm

# -rdynamic: modules loaded later find Lua's functions in the program.
$(program_$(1)): $(call objects,$(1),$(PROGRAM_SOURCES) $(BINDING_SOURCES) $(CSV_SOURCES)) $(LIBRARY)
	$$(say) LINK $$@
	$$(Q)$$(CC) -rdynamic $$(LDFLAGS) -o $$@ $$^ $$(libs_$(1)) -lcsv -ldl -lm
endef
$(foreach vm,$(VMS),$(eval $(call vm_rules,$(vm))))

build/weft build/weftjit: build/%: build/release/%
	@ln -sfn release/$* $@

$(PTY): $(call objects,core,$(TOOL_SOURCES))
	$(say) LINK $@
	@mkdir -p $(@D)
	$(Q)$(CC) $(LDFLAGS) -o $@ $^

$(CTEST): $(TEST_OBJECTS) $(LIBRARY)
$(CBENCH): $(BENCH_OBJECTS) $(LIBRARY)
$(CTEST) $(CBENCH):
	$(say) LINK $@
	@mkdir -p $(@D)
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ -lm

# The declarations that LuaJIT sees: generated, and committed so that a script finds them anywhere.
bindings/ffi/weft/cdef.lua: core/weft_types.h bindings/capi/l_api.h | has-packages
	$(say) GEN $@
	$(Q)lua5.4 bindings/ffi/generate.lua

# ---- packages ---------------------------------------------------------------------------------

# One line, before the compiler has much to say about headers that it cannot find.
hint = { echo "weft: missing:$$missing; 'make deps' installs what weft needs" >&2; exit 1; }
has-compiler:
	@missing=; command -v $(CC) >/dev/null || missing=" $(CC)"; [ -z "$$missing" ] || $(hint)

LIBRARIES := lua5.4 luajit cairo
has-packages: has-compiler
	@missing=; for program in pkg-config lua5.4; do \
	  command -v $$program >/dev/null || missing="$$missing $$program"; done; \
	for library in $(LIBRARIES); do \
	  pkg-config --exists $$library 2>/dev/null || missing="$$missing $$library (its headers)"; done; \
	echo '#include <csv.h>' | $(CC) -E - >/dev/null 2>&1 || missing="$$missing csv.h"; \
	[ -z "$$missing" ] || $(hint)

# Quick when nothing is missing: one dpkg-query. What of TOOL_PACKAGES cannot be had is left out.
deps:
	@command -v dpkg-query >/dev/null || { echo "deps: not a Debian system; needed: $(PACKAGES)"; exit 0; }; \
	have=$$(dpkg-query -W -f='$${Package}:$${Status}\n' $(PACKAGES) $(TOOL_PACKAGES) 2>/dev/null \
	  | sed -n 's/:install ok installed$$//p'); \
	not_there() { for p in "$$@"; do echo "$$have" | grep -qx -- "$$p" || printf ' %s' "$$p"; done; }; \
	missing=$$(not_there $(PACKAGES)); tools=$$(not_there $(TOOL_PACKAGES)); \
	[ -z "$$missing$$tools" ] && exit 0; \
	if [ "$$(id -u)" = 0 ]; then sudo=; elif command -v sudo >/dev/null; then sudo=sudo; else \
	  [ -z "$$missing" ] && exit 0; \
	  echo "deps: missing packages:$$missing" >&2; \
	  echo "deps: install them as root: apt-get install$$missing" >&2; exit 1; fi; \
	export DEBIAN_FRONTEND=noninteractive; \
	get() { $$sudo apt-get -qq -y --no-install-recommends install "$$@" >/dev/null; }; \
	if [ -n "$$missing" ]; then \
	  echo "deps: installing$$missing"; \
	  $$sudo apt-get -qq update >/dev/null && get $$missing || exit 1; fi; \
	if [ -n "$$tools" ]; then sudo=$${sudo:+sudo -n}; \
	  get $$tools 2>/dev/null || echo "deps: cannot install$$tools; what needs it is skipped"; fi

# ---- use --------------------------------------------------------------------------------------

# What installs packages builds in a make of its own, which begins when they are there.
demo: deps
	+$(Q)$(MAKE) --no-print-directory all
	$(Q)$(B)/weft scenarios/gray_allreduce.lua

# The whole suite. The release build is tested in full, the C tests also with asserts and tiny pools
# (check) and with the address and undefined-behaviour sanitizers (asan).
test: deps
	+$(Q)$(MAKE) --no-print-directory all $(CTEST) $(PTY)
	+$(Q)$(MAKE) --no-print-directory CONFIG=check build/check/tests/ctest
	+$(Q)$(MAKE) --no-print-directory CONFIG=asan build/asan/tests/ctest
	$(Q)WEFT_BUILD=$(B) lua5.4 tests/run.lua

# Everything again under sanitizers, asserts and valgrind: slow, and loud about memory.
test-hostile: deps
	+$(Q)$(MAKE) --no-print-directory all $(CTEST) $(PTY)
	+$(Q)$(MAKE) --no-print-directory CONFIG=check all build/check/tests/ctest build/check/tests/pty
	+$(Q)$(MAKE) --no-print-directory CONFIG=asan all build/asan/tests/ctest build/asan/tests/pty
	$(Q)WEFT_BUILD=$(B) lua5.4 tests/run.lua --hostile

# Record anew what the scenes of tests/golden give, and print what changed. `make test` compares.
golden: all
	$(Q)$(B)/weft tests/golden/golden.lua --record

# As .clang-format says, by version 14; comments stay as they are written.
format:
	@command -v clang-format >/dev/null || { echo "weft: no clang-format; 'make deps' installs it" >&2; exit 1; }
	$(Q)find core bindings viz lua tests -name '*.[ch]' | sort | xargs clang-format -i

bench: all $(CBENCH)
	$(Q)WEFT_BUILD=$(B) lua5.4 tests/bench/run.lua

# Memoized and skipped against plain: the plain runs take minutes each. RUNS="gpt13b moe8x13b": those.
bench-wormhole: all
	$(Q)WEFT_BUILD=$(B) lua5.4 tests/bench/wormhole.lua $(RUNS)

# The engine against what is known (ideal completion times, M/D/1, conservation) and against recorded
# runs of ns-3.
validate: all $(CTEST)
	$(Q)$(CTEST) ideal_time md1 conserve
	$(Q)$(B)/weft scenarios/ns3_validate.lua
	$(Q)$(B)/weft tests/fluid_validate.lua

docs: all bindings/ffi/weft/cdef.lua
	$(Q)$(B)/weft bindings/api/generate.lua docs/reference

# ---- install ----------------------------------------------------------------------------------

D := $(DESTDIR)$(PREFIX)

# Where each Lua looks for `weft.lua`, which leads to the rest. Of what is installed uninstall knows
# by these lists.
LUADIRS ?= $(PREFIX)/share/lua/5.4 $(PREFIX)/share/lua/5.1
LOADERS := $(addprefix $(DESTDIR),$(addsuffix /weft.lua,$(LUADIRS)))
COMPLETIONS := bash-completion/completions/weft bash-completion/completions/weftjit \
  zsh/site-functions/_weft fish/vendor_completions.d/weft.fish fish/vendor_completions.d/weftjit.fish
INSTALLED_FOLDERS := include/weft lib/weft share/weft share/doc/weft
INSTALLED_FILES := bin/weft bin/weftjit lib/libweft.a lib/libweft.so lib/libweft.so.0 \
  lib/pkgconfig/weft.pc share/man/man1/weft.1 share/man/man1/weftjit.1 $(addprefix share/,$(COMPLETIONS))

install: all $(SHARED)
	$(say) INST $(D)
	$(Q)install -d $(D)/bin $(D)/include/weft $(D)/lib/pkgconfig $(D)/share/weft
	$(Q)install $(PROGRAMS) $(D)/bin
	$(Q)install -D -m 644 docs/weft.1 $(D)/share/man/man1/weft.1
	$(Q)ln -sfn weft.1 $(D)/share/man/man1/weftjit.1
	$(Q)install -m 644 $(PUBLIC_HEADERS) $(D)/include/weft
	$(Q)install -m 644 $(LIBRARY) $(SHARED) $(D)/lib
	$(Q)ln -sfn libweft.so.0 $(D)/lib/libweft.so
	$(Q)for vm in $(VMS); do install -d $(D)/lib/weft/$$vm/weft && \
	  install -m 644 $(B)/$$vm/weft/*.so $(D)/lib/weft/$$vm/weft; done
	$(Q)for file in $$(find stdlib viz lua/weft bindings -name '*.lua' -o -name '*.txt' -o -name '*.csv' \
	  -o -name '*.weft'); do \
	  install -D -m 644 $$file $(D)/share/weft/$$file; done
	$(Q)for file in README.md CHANGELOG.md LICENSE $$(find docs examples -type f ! -name weft.1); do \
	  install -D -m 644 $$file $(D)/share/doc/weft/$$file; done
	$(Q)for file in $(LOADERS); do install -d $$(dirname $$file) && \
	  sed 's|@PREFIX@|$(PREFIX)|' lua/install/weft.lua > $$file; done
	$(Q)for to in $(COMPLETIONS); do case $$to in bash*) from=bash;; zsh*) from=zsh;; *) from=fish;; esac; \
	  install -D -m 644 lua/install/weft.$$from $(D)/share/$$to; done
	$(Q)printf '%s\n' 'prefix=$(PREFIX)' 'Name: weft' \
	  'Description: simulator of the networks that train large models' 'Version: $(VERSION)' \
	  'Cflags: -I$${prefix}/include/weft' 'Libs: -L$${prefix}/lib -lweft -lm -pthread' \
	  > $(D)/lib/pkgconfig/weft.pc

uninstall:
	$(say) RM $(D)
	$(Q)rm -f $(addprefix $(D)/,$(INSTALLED_FILES)) $(LOADERS)
	$(Q)rm -rf $(addprefix $(D)/,$(INSTALLED_FOLDERS))

# What is committed, as a tar file to build from.
dist:
	@mkdir -p build
	$(say) TAR build/weft-$(VERSION).tar.gz
	$(Q)git archive --format=tar.gz --prefix=weft-$(VERSION)/ -o build/weft-$(VERSION).tar.gz HEAD

clean:
	$(Q)rm -rf build results

-include $(shell find build -name '*.d' 2>/dev/null)
