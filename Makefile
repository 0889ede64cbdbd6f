# make            build/tocsind and build/tocsin
# make demo       install what is missing, build, and watch the main job on real input
# make check      install what is missing, build, run every test
# make help       the rest
SHELL   := /bin/bash
VERSION := 0.1.0
ifeq ($(origin CC),default)
CC      := gcc
endif
PREFIX  ?= /usr/local
SAN     ?=
CFLAGS  ?= -O2 -g
WERROR  ?=
comma   := ,
OUT     ?= build/$(if $(SAN),$(subst $(comma),-,$(SAN)),plain)

PKGS = libcurl yaml-0.1 libpcre2-8 openssl libevent_core libevent_extra libevent_openssl \
       jansson sqlite3 libcrypt libprotobuf-c
WARN = -Wall -Wextra -Wshadow -Wvla -Wundef -Wformat=2 -Wpointer-arith -Wcast-qual \
       -Wwrite-strings -Wstrict-prototypes -Wmissing-prototypes -Wold-style-definition \
       -Wswitch-enum -Wimplicit-fallthrough -Wdouble-promotion -Wconversion
CC_ALL = $(CC) -std=c11 -D_GNU_SOURCE -DVERSION='"$(VERSION)"' -Isrc -I$(OUT)/src -Itests $(WARN) \
	 $(if $(WERROR),-Werror) \
	 $(if $(SAN),-fsanitize=$(SAN) -fno-sanitize-recover=all -fno-omit-frame-pointer) \
	 $(PKG_CFLAGS) $(CFLAGS)
# V=1 shows the commands.
Q    := $(if $(V),,@)
SAY   = $(if $(V),,@printf '%-4s %s\n' $(1) $@)
PKG_CFLAGS := $(shell pkg-config --cflags $(PKGS) 2>/dev/null)
# Some are loaded when they are needed: src/base/library.h
LIBS       := $(shell pkg-config --libs $(filter-out libcurl openssl libevent_openssl,$(PKGS)) 2>/dev/null) \
	      -lm -pthread
TEST_LIBS  := $(shell pkg-config --libs cmocka 2>/dev/null) -lsnappy

SRC    := $(wildcard src/*/*.c)
OBJ    := $(SRC:%.c=$(OUT)/%.o)
PROTO  := $(patsubst %.proto,$(OUT)/%.pb-c.c,$(wildcard src/*/*.proto))
TMPL   := $(patsubst %.tmpl,$(OUT)/%.o,$(wildcard templates/*.tmpl))
LIBOBJ := $(TMPL) $(PROTO:.c=.o) $(filter-out $(OUT)/src/tocsind/main.o $(OUT)/src/tocsin/%,$(OBJ))
TOOLOBJ := $(filter $(OUT)/src/tocsin/%,$(OBJ))
UNIT   := $(patsubst %.c,$(OUT)/%,$(wildcard tests/unit/test_*.c))
HELP   := $(patsubst %.c,$(OUT)/%.o,$(filter-out tests/unit/test_%,$(wildcard tests/unit/*.c)))
FUZZ   := $(patsubst %.c,$(OUT)/%,$(filter-out tests/fuzz/replay.c,$(wildcard tests/fuzz/*.c)))
GOLDEN := $(OUT)/tests/golden/golden
SHIM   := $(OUT)/tests/faults/shim.so
BENCH  := $(patsubst %.c,$(OUT)/%,$(wildcard tests/bench/*.c))
PROGS   = $(OUT)/tocsind $(OUT)/tocsin

.PHONY: all help deps demo check test unit fuzz-replay golden fuzz system includes format \
	install clean transcripts FORCE
.PRECIOUS: $(OUT)/%.o $(OUT)/%.pb-c.c
.DELETE_ON_ERROR:

all: $(PROGS)
	@mkdir -p build
	@for p in $(PROGS); do cmp -s $$p build/$${p##*/} || cp -f $$p build/$${p##*/}; done

help:
	@echo 'make                       build/tocsind and build/tocsin'
	@echo 'make deps                  Debian packages that are missing (contrib/debian-packages)'
	@echo 'make demo                  deps, build, and the main job on real input (DEMO=keep: leave it running)'
	@echo 'make check                 deps, build, every test'
	@echo 'make SAN=address,undefined check   the same with sanitizers throughout'
	@echo 'make golden DIR=folder     compare with recorded outputs of the peers (LIST=1: name what'
	@echo '                           differs in words of the peers'\'' runtime only)'
	@echo 'make fuzz SECONDS_EACH=60  run the fuzz targets (clang)'
	@echo 'make transcripts           write what tocsin why says into man/tocsin.1'
	@echo 'make bench                 micro-benchmarks of the hot parts and how their cost grows'
	@echo 'make bench-text            those of template rendering only'
	@echo 'make simulate SEEDS=1000     the daemon on a pretended clock, with faults at every step'
	@echo '                           (SEED=7: one of them, told in full; PLANTED=1: finds planted'
	@echo '                           bugs; SOAK=1: a million alerts through one engine)'
	@echo 'make install DESTDIR= PREFIX=/usr/local [AMTOOL=1]'
	@echo 'make clean'

# -- dependencies ------------------------------------------------------------------------
deps:
	@contrib/install-packages contrib/debian-packages

demo: deps
	@$(MAKE) --no-print-directory all
	@tests/system/demo

check: deps
	@$(MAKE) --no-print-directory WERROR=1 all test

# -- build -------------------------------------------------------------------------------
$(OUT)/%.o: %.c $(OUT)/flags | $(PROTO)
	@mkdir -p $(@D)
	$(call SAY,CC)
	$(Q)$(CC_ALL) -MMD -MP -c -o $@ $<
# Messages on the wire; the code made of them answers to no warnings of ours.
$(OUT)/%.pb-c.c: %.proto
	@mkdir -p $(@D)
	$(call SAY,PB)
	$(Q)protoc-c --proto_path=src --c_out=$(OUT)/src $<
$(OUT)/%.pb-c.h: $(OUT)/%.pb-c.c ;
$(OUT)/%.pb-c.o: $(OUT)/%.pb-c.c $(OUT)/flags
	$(call SAY,CC)
	$(Q)$(CC_ALL) -w -c -o $@ $<
# The default templates become part of the programs.
$(OUT)/templates/%.o: templates/%.tmpl
	@mkdir -p $(@D)
	$(call SAY,BIN)
	$(Q)$(LD) -r -b binary -z noexecstack -o $@ $<
$(OUT)/tocsin.a: $(LIBOBJ)
	@rm -f $@
	$(call SAY,AR)
	$(Q)$(AR) qcs $@ $^ # q: folders have files of the same name
$(OUT)/tocsind: $(OUT)/src/tocsind/main.o $(OUT)/tocsin.a
	$(call SAY,LD)
	$(Q)$(CC_ALL) $(LDFLAGS) -o $@ $^ $(LIBS)
$(OUT)/tocsin: $(TOOLOBJ) $(OUT)/tocsin.a
	$(call SAY,LD)
	$(Q)$(CC_ALL) $(LDFLAGS) -o $@ $^ $(LIBS)
$(OUT)/tests/unit/test_%: $(OUT)/tests/unit/test_%.o $(HELP) $(OUT)/tocsin.a
	$(call SAY,LD)
	$(Q)$(CC_ALL) $(LDFLAGS) -o $@ $^ $(LIBS) $(TEST_LIBS)
$(GOLDEN): $(patsubst %.c,$(OUT)/%.o,$(wildcard tests/golden/*.c)) $(OUT)/tocsin.a
	$(call SAY,LD)
	$(Q)$(CC_ALL) $(LDFLAGS) -o $@ $^ $(LIBS)
$(OUT)/tests/fuzz/%: $(OUT)/tests/fuzz/%.o $(OUT)/tests/fuzz/replay.o $(OUT)/tocsin.a
	$(call SAY,LD)
	$(Q)$(CC_ALL) $(LDFLAGS) -o $@ $^ $(LIBS)
# Preloaded into the daemon; sanitizers have libraries of their own to load first.
$(SHIM): tests/faults/shim.c $(OUT)/flags
	@mkdir -p $(@D)
	$(call SAY,CC)
	$(Q)$(CC) -std=c11 -D_GNU_SOURCE $(WARN) $(if $(WERROR),-Werror) -O2 -g -fPIC -shared -o $@ $< -ldl
$(OUT)/tests/bench/%: $(OUT)/tests/bench/%.o $(OUT)/tocsin.a
	$(call SAY,LD)
	$(Q)$(CC_ALL) $(LDFLAGS) -o $@ $^ $(LIBS)
$(OUT)/tests/simulation/simulate: $(patsubst %.c,$(OUT)/%.o,$(wildcard tests/simulation/*.c)) $(OUT)/tocsin.a
	$(call SAY,LD)
	$(Q)$(CC_ALL) $(LDFLAGS) -o $@ $^ $(LIBS)
$(OUT)/flags: FORCE
	@mkdir -p $(@D)
	@echo '$(subst ','\'',$(CC_ALL))' | cmp -s - $@ || echo '$(subst ','\'',$(CC_ALL))' > $@

# -- tests -------------------------------------------------------------------------------
# Units, goldens and saved fuzz inputs run under the sanitizers, the rest on the real thing.
TEST_SAN = $(if $(SAN),$(SAN),address$(comma)undefined)
test: includes
	@$(MAKE) --no-print-directory SEEDS=100 simulate
	@$(MAKE) --no-print-directory PLANTED=1 simulate
	@$(MAKE) --no-print-directory SAN=$(TEST_SAN) fuzz-replay golden unit
	@$(MAKE) --no-print-directory system

# The transcripts in man/tocsin.1, as the program has them now.
transcripts: $(OUT)/tests/unit/test_story
	@$< transcripts > $(OUT)/transcripts && python3 tests/transcripts.py $(OUT)/transcripts

includes:
	@python3 tests/includes.py

unit: $(UNIT)
	@for t in $(UNIT); do $$t || exit 1; done

fuzz-replay: $(FUZZ)
	@for t in $(FUZZ); do $$t tests/fuzz/corpus/$${t##*/} || exit 1; done

DIR ?= tests/golden/data
golden: $(GOLDEN)
	@$(GOLDEN) $(if $(LIST),-v) $(DIR)

system: all $(SHIM)
	@TOCSIN_BUILD=$(OUT) /usr/bin/python3 -m pytest -q tests/system

# In objects of its own, in which bugs can be planted.
SIMULATE = $(OUT)/tests/simulation/simulate
SEEDS   ?= 1000
simulate:
	@$(MAKE) --no-print-directory OUT=build/$(if $(SAN),$(subst $(comma),-,$(SAN))-)simulation \
	    CFLAGS='$(CFLAGS) -DPLANTED_BUGS' simulate-program
.PHONY: simulate simulate-program
simulate-program: $(SIMULATE)
	@$(SIMULATE) $(if $(SEED),-s $(SEED) -v,$(if $(PLANTED),-p 300,$(if $(SOAK),-a 1000000,\
	    -n $(SEEDS) -f $(or $(FIRST),1))))

# libFuzzer with clang; each target for SECONDS_EACH.
SECONDS_EACH ?= 60
fuzz:
	@$(MAKE) --no-print-directory CC=clang SAN=address,undefined,fuzzer-no-link \
	    OUT=build/fuzz LDFLAGS=-fsanitize=fuzzer fuzz-programs
	@for t in $(FUZZ); do t=$${t##*/}; mkdir -p build/fuzz/new/$$t; \
	    build/fuzz/tests/fuzz/$$t -max_total_time=$(SECONDS_EACH) -timeout=5 \
	    -rss_limit_mb=1024 build/fuzz/new/$$t tests/fuzz/corpus/$$t || exit 1; done
.PHONY: fuzz-programs
fuzz-programs: $(patsubst %.c,$(OUT)/%.o,$(wildcard tests/fuzz/*.c)) $(OUT)/tocsin.a
	@for t in $(FUZZ); do $(CC_ALL) $(LDFLAGS) -o $$t $$t.o $(OUT)/tocsin.a $(LIBS) || exit 1; done

bench-text: $(OUT)/tests/bench/text
	@$<
bench: $(OUT)/tests/bench/hot bench-text
	@$<

format:
	clang-format -i $(shell git ls-files 'src/*.[ch]' 'tests/*.[ch]')

# -- install -----------------------------------------------------------------------------
# AMTOOL=1 installs the tool under that name, too.
install: all
	install -D -m 755 -t $(DESTDIR)$(PREFIX)/bin $(PROGS)
	$(if $(AMTOOL),ln -sf tocsin $(DESTDIR)$(PREFIX)/bin/amtool)
	for page in man/*.[1-9]; do install -D -m 644 $$page \
	    $(DESTDIR)$(PREFIX)/share/man/man$${page##*.}/$${page#man/}; done
	install -d $(DESTDIR)$(PREFIX)/share/tocsin/rules
	install -m 644 -t $(DESTDIR)$(PREFIX)/share/tocsin/rules $(wildcard rules/*.yml)
	install -D -m 644 -t $(DESTDIR)$(PREFIX)/share/tocsin/templates $(wildcard templates/*.tmpl)
	install -D -m 644 -t $(DESTDIR)$(PREFIX)/lib/systemd/system contrib/systemd/tocsind.service

clean:
	rm -rf build

-include $(OBJ:.o=.d) $(wildcard $(OUT)/tests/*/*.d)
