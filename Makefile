# The front door. CMake does the building (CMakePresets.json); these are the commands people type.
PRESET ?= release
BUILD := build/$(PRESET)
JOBS ?= $(shell nproc 2>/dev/null || echo 2)

.PHONY: all deps build demo test bench install clean

all: build

deps:
	@scripts/install-deps.sh

build: deps
	@cmake --preset $(PRESET) >/dev/null
	@cmake --build $(BUILD) -j $(JOBS)

demo: build
	@scripts/demo.sh $(BUILD)

test: build
	@ctest --test-dir $(BUILD) --output-on-failure

bench: build
	@scripts/install-deps.sh scripts/bench-packages.txt
	@tests/bench/run.sh $(BUILD)

install: build
	@cmake --install $(BUILD)

clean:
	rm -rf build
