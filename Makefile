# Front door.  Everything else lives in CMake presets and scripts/.
.DELETE_ON_ERROR:
.PHONY: help deps test-deps fuzz-deps bench-deps build demo test asan-test bench fuzz install clean
FUZZ_SECONDS ?= 600

help:
	@echo "make demo     install what is missing, build, run the whole chain from meter to bill"
	@echo "make test     install what is missing, build, run every test"
	@echo "make bench    every figure beside a bound or a peer measured in the same run (12 minutes)"
	@echo "make build    release programs in build/release/bin"
	@echo "make fuzz     every fuzz target for FUZZ_SECONDS (600) seconds"
	@echo "make install  build and install below PREFIX (/usr/local)"

deps:
	@sh scripts/deps.sh

build/%/build.ninja: CMakeLists.txt CMakePresets.json
	@mkdir -p build/$*
	@cmake --preset $* >build/$*/configure.log 2>&1 || { cat build/$*/configure.log; exit 1; }

build: deps build/release/build.ninja
	@cmake --build --preset release

demo: build
	@build/release/bin/sealgrid demo --dir build/demo --json build/demo.json $(DEMO_ARGS)

test-deps:
	@sh scripts/deps.sh test

test: test-deps build
	@sh scripts/test.sh release

asan-test: deps build/asan/build.ninja
	@cmake --build --preset asan
	@sh scripts/test.sh asan unit fuzz vectors compat sim torture

bench-deps:
	@sh scripts/deps.sh bench

# Configured anew: peers may have come since.
bench: bench-deps deps
	@rm -f build/release/build.ninja
	@$(MAKE) --no-print-directory build
	@mkdir -p bench/results
	@build/release/bin/sealgrid-bench --json bench/results/latest.json $(BENCH_ARGS)

fuzz-deps:
	@sh scripts/deps.sh fuzz

fuzz: fuzz-deps build/fuzz/build.ninja
	@cmake --build --preset fuzz
	@sh scripts/fuzz.sh $(FUZZ_SECONDS)

install: build
	@cmake --install build/release --prefix $(or $(PREFIX),/usr/local)

clean:
	@rm -rf build
