# The front door: installs what is missing from Debian's packages, then calls Meson. `make help` lists the doors.

# The extension module is built for the python3 that the user's PATH has (asked now, before the PATH changes; a shim tells the real one) …
USER_PYTHON := $(shell python3 -c 'import sys; print(sys.executable)' 2>/dev/null)
# … but Debian's Python runs Meson, whatever other one comes first in PATH.
export PATH := /usr/bin:$(PATH)

PREFIX ?= /usr/local
# Below PREFIX. Meson's own default differs with what is installed (lib, lib64, lib/x86_64-linux-gnu), and ld.so looks into lib alone on every Debian.
LIBDIR ?= lib
DESTDIR ?=
SIM_SECONDS ?= 60
SOAK_ARGUMENTS ?= --operations 10000000 --kills 20
BENCH_ARGUMENTS ?=
# For `make mutations`: --seeds N, names of patches.
MUTATION_ARGUMENTS ?=
RELEASE := build/release
TEST := build/test
PYTHON_BUILD := build/python
SOURCES = $(shell find include src cli examples tests bench python -name '*.c' 2>/dev/null | sort)
HEADERS = $(shell find include src cli examples tests bench python -name '*.h' 2>/dev/null | sort)
# Arguments after -- of `make test`, for instance TEST_ARGUMENTS="--suite unit".
TEST_ARGUMENTS ?=

.PHONY: build demo test bench bench-python sim mutations soak coverage python install format format-check clean help
.DEFAULT_GOAL := build

build: ## build the library and the command `emcache` into build/release
	@scripts/ensure-packages build
	@$(MAKE) --no-print-directory $(RELEASE)/build.ninja
	@ninja -C $(RELEASE)

demo: ## start three memcached servers and watch the cluster while one dies and returns
	@scripts/ensure-packages demo
	@$(MAKE) --no-print-directory $(RELEASE)/build.ninja
	@ninja -C $(RELEASE)
	@$(RELEASE)/cli/emcache demo

test: ## build and run every test (it starts the servers it needs on free ports)
	@scripts/ensure-packages test
	@$(MAKE) --no-print-directory $(TEST)/build.ninja
	@[ -d $(TEST)/python ] || meson configure $(TEST) -Dpython=true
	@ninja -C $(TEST)
	@status=0; meson test -C $(TEST) --no-rebuild --print-errorlogs $(TEST_ARGUMENTS) </dev/null || status=1; \
	/usr/bin/python3 scripts/count-tests $(TEST)/meson-logs/testlog.json || status=1; exit $$status

bench: ## measure emcache, its peers and the limit of the wire; the table and the plot go to bench/results
	@scripts/ensure-packages bench
	@$(MAKE) --no-print-directory build/bench/build.ninja
	@ninja -C build/bench
	@/usr/bin/python3 bench/run.py --build build/bench $(BENCH_ARGUMENTS)

bench-python: python ## measure the Python package, its peers from PyPI and the limit of the wire; the page goes to bench/results/python.md
	@scripts/ensure-packages bench
	@$(MAKE) --no-print-directory build/bench/build.ninja
	@ninja -C build/bench bench/limit/limit_get_multi bench/limit/limit_set_quiet
	@/usr/bin/python3 bench/python/run.py --limits build/bench --ours $(PYTHON_BUILD) --python "$(or $(USER_PYTHON),python3)" $(BENCH_ARGUMENTS)

sim: ## simulate clusters with faults for SIM_SECONDS (60)
	@scripts/ensure-packages test
	@$(MAKE) --no-print-directory $(TEST)/build.ninja
	@ninja -C $(TEST) tests/sim/emcache-sim
	@$(TEST)/tests/sim/emcache-sim --seconds $(SIM_SECONDS) --table

soak: ## ten million operations on three servers, one killed every few seconds; the figures go to bench/results/soak.md
	@scripts/ensure-packages test
	@$(MAKE) --no-print-directory $(TEST)/build.ninja
	@ninja -C $(TEST) tests/soak/soak
	@$(TEST)/tests/soak/soak $(SOAK_ARGUMENTS) --table bench/results/soak.md

coverage: ## run every C test with coverage; lines and branches by folder go to build/coverage
	@scripts/ensure-packages test coverage
	@scripts/coverage build/coverage

mutations: ## break the engine on purpose, in a copy, and see the simulation find it
	@scripts/ensure-packages test
	@/usr/bin/python3 tests/sim/mutations/run.py $(MUTATION_ARGUMENTS)

python: ## build the Python package into build/python
	@scripts/ensure-packages python
	@$(MAKE) --no-print-directory $(PYTHON_BUILD)/build.ninja
	@meson configure $(PYTHON_BUILD) -Dpython_executable=$(USER_PYTHON)
	@ninja -C $(PYTHON_BUILD)
	@ln -sfn python/emcache $(PYTHON_BUILD)/emcache

install: build ## install into PREFIX (/usr/local), libraries into its LIBDIR (lib), below DESTDIR if given
	@meson configure $(RELEASE) -Dprefix=$(PREFIX) -Dlibdir=$(LIBDIR)
	@DESTDIR=$(DESTDIR) meson install -C $(RELEASE)
	@[ -n "$(DESTDIR)" ] || [ "$$(id -u)" != 0 ] || ! command -v ldconfig >/dev/null || ldconfig

format: ## format the C sources
	@scripts/ensure-packages format
	@clang-format -i $(SOURCES)
	@clang-format --style=file:.clang-format-headers -i $(HEADERS)

format-check: ## fail when a C source is not formatted
	@scripts/ensure-packages format
	@clang-format --dry-run -Werror $(SOURCES)
	@clang-format --style=file:.clang-format-headers --dry-run -Werror $(HEADERS)

clean: ## remove everything that was built by these targets
	@rm -rf $(RELEASE) $(TEST) $(PYTHON_BUILD) build/bench build/ci build/coverage

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1	\2/p' $(MAKEFILE_LIST) | expand -t 22

$(RELEASE)/build.ninja:
	@meson setup $(RELEASE) --buildtype=release -Db_lto=true --prefix=$(PREFIX) --libdir=$(LIBDIR) -Dtests=false -Dbench=false

$(TEST)/build.ninja:
	@meson setup $(TEST) -Dpython=true

build/bench/build.ninja:
	@meson setup build/bench --buildtype=release -Db_lto=true -Dtests=false -Dexamples=false

$(PYTHON_BUILD)/build.ninja:
	@meson setup $(PYTHON_BUILD) --buildtype=release -Db_lto=true -Dtests=false -Dbench=false -Dexamples=false -Dpython=true -Dpython_executable=$(USER_PYTHON)
