# Front door.  Everything else lives in CMake presets and scripts/.
.DELETE_ON_ERROR:
.PHONY: help deps fuzz-deps build demo test asan-test fuzz install clean
FUZZ_SECONDS ?= 600

help:
	@echo "make demo     install what is missing, build, run the whole chain from meter to bill"
	@echo "make test     install what is missing, build, run every test"
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

test: build
	@sh scripts/test.sh release

asan-test: deps build/asan/build.ninja
	@cmake --build --preset asan
	@sh scripts/test.sh asan unit fuzz vectors compat sim torture

fuzz-deps:
	@sh scripts/deps.sh fuzz

fuzz: fuzz-deps build/fuzz/build.ninja
	@cmake --build --preset fuzz
	@sh scripts/fuzz.sh $(FUZZ_SECONDS)

install: build
	@cmake --install build/release --prefix $(or $(PREFIX),/usr/local)

clean:
	@rm -rf build
