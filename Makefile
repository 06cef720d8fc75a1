# What each target does is said when it runs. Everything lands in .venv and .data of this folder.

PYTHON ?= python3
export PORT ?= 8000
export DATA ?= $(CURDIR)/.data

BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
# This project itself, so that the command `kiemtra` is there; its parts come from the lock.
INSTALL_SELF := $(PIP) install --no-deps --no-build-isolation --editable . --config-settings editable_mode=compat

# Central reads photographed boards with Tesseract where it is there, and does everything else without it.
READER := tools/debian_packages.sh tesseract-ocr tesseract-ocr-vie || \
	echo "Không có Tesseract: ảnh bảng niêm yết không được đọc / without Tesseract boards are not read"

.PHONY: run test phone check bench bench-boards bench-web bench-central bench-link long simulate powercuts fuzz restore lock clean

run: .venv/.run  ## the field app built, central with a marked demo on PORT serving it, data in DATA
	@$(BIN)/python tools/run.py

# Chromium without a graphics card stands still for a while on a busy machine: what failed there must pass by itself.
test: .venv/.test  ## all tests but the long ones
	@echo "Kiểm thử / tests (without the long ones): first those without a screen, side by side, then the screens"
	@$(BIN)/python -m pytest -m "not ui and not long and not phone" -n 2 --dist loadfile $(PYTEST)
	@$(BIN)/python -m pytest -m "ui and not long and not phone" -n 2 --dist loadfile $(PYTEST) || \
		{ [ $$? -eq 1 ] && echo "Thử lại những bài vừa hỏng / once more, those that failed" && \
		$(BIN)/python -m pytest -m "ui and not long and not phone" --last-failed --last-failed-no-failures none $(PYTEST); }

long: .venv/.test  ## the tests that take minutes
	@tools/debian_packages.sh libreoffice-writer-nogui
	@echo "Kiểm thử dài / long tests"
	@$(BIN)/python -m pytest -m "long and not phone" $(PYTEST) || [ $$? -eq 5 ]  # 5: none is marked long, which is no failure

phone: .venv/.test  ## the app in a phone's browser: kills, releases, tabs, cleared and damaged storage, photos
	@echo "Ứng dụng trên trình duyệt điện thoại / the app in a phone's browser"
	@$(BIN)/python -m pytest -m phone $(PYTEST)

powercuts: .venv/.test  ## the power fails CUTS times (50000) while phones and central write
	@echo "Cúp điện / power cuts"
	@$(BIN)/python -m tests.powercuts --cuts $(or $(CUTS),50000) $(if $(SEED),--seed $(SEED))

simulate: .venv/.test  ## N days (10000) of three phones and central with every fault; FROM=seed, or SEED= to tell one day
	@echo "Mô phỏng đồng bộ / simulating sync"
	@$(BIN)/python -m tests.simulation $(if $(SEED),--seed $(SEED),--schedules $(or $(N),10000) --from $(or $(FROM),0) \
		--jobs $(or $(JOBS),2))

fuzz: .venv/.test  ## N (100000) hostile requests to a real central
	@echo "Yêu cầu phá hoại / hostile requests"
	@$(BIN)/python -m tests.fuzz --requests $(or $(N),100000) $(if $(SEED),--seed $(SEED))

restore: .venv/.test  ## a restore drill: central lost, put back from last night's backup, made whole by the phones
	@echo "Diễn tập khôi phục / a restore drill"
	@$(BIN)/python -m tools.restore_drill

check: .venv/.test  ## format, lint, types
	@echo "Định dạng, lỗi, kiểu / format, lint, types"
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy

bench: .venv/.test  ## measurements side by side
	@echo "Đo tốc độ / benchmarks"
	@$(BIN)/python -m bench

bench-boards: .venv/.test  ## 300 drawn notice boards: the phone's verdict, sizes and straightening beside what Tesseract reads
	@echo "Đọc ảnh bảng niêm yết / reading photos of notice boards"
	@tools/debian_packages.sh tesseract-ocr tesseract-ocr-vie fonts-texgyre
	@$(BIN)/python -m bench.boards

bench-web: .venv/.test  ## the app in a browser beside a plain Flet and Pyodide build of it
	@echo "Đo ứng dụng trên trình duyệt / the app in a browser"
	@$(BIN)/python -m bench.web

bench-central: .venv/.test  ## central under fifty phones at once, with a profile
	@echo "Đo trung tâm / central under load"
	@$(BIN)/python -m bench.central
	@$(BIN)/python -m bench.central --profile --batches 20

bench-link: .venv/.test  ## the evening's sync over an emulated bad link, beside others (root and NetfilterQueue, else a relay)
	@echo "Đồng bộ trên đường truyền kém / sync over a bad link"
	@$(BIN)/python -m bench.link

lock: .venv/.test  ## run.lock, test.lock and web/packages.lock anew, with hashes and no address of an index
	@echo "Khóa phiên bản / lock files"
	@$(BIN)/uv pip compile --universal --no-emit-index-url --generate-hashes --no-header --quiet $(LOCK) \
		--extra run pyproject.toml -o run.lock
	@$(BIN)/uv pip compile --universal --no-emit-index-url --generate-hashes --no-header --quiet $(LOCK) \
		--extra run --extra test -c run.lock pyproject.toml -o test.lock
	@$(BIN)/uv pip compile --python-platform wasm32-pyodide2025 --python-version 3.14 --no-emit-index-url --generate-hashes \
		--no-header --quiet $(LOCK) web/packages.in -o web/packages.lock

clean:  ## the installed and built parts away; the data stays
	@echo "Xóa phần đã cài, giữ dữ liệu / removing what was installed, keeping data"
	@rm -rf .venv web/dist .pytest_cache .mypy_cache .ruff_cache .hypothesis

.venv/.made:
	@$(PYTHON) -c 'import sys; sys.exit("Cần Python 3.11 trở lên / Python 3.11 or newer is needed") if sys.version_info < (3, 11) else 0'
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || tools/debian_packages.sh python3-venv
	@echo "Tạo môi trường Python / making .venv"
	@$(PYTHON) -m venv .venv
	@touch $@

.venv/.run: run.lock pyproject.toml | .venv/.made
	@$(READER)
	@echo "Cài các gói để chạy / installing what run.lock names"
	@$(PIP) install --no-compile --require-hashes -r run.lock
	@$(INSTALL_SELF)
	@touch $@

.venv/.test: test.lock pyproject.toml | .venv/.made
	@tools/debian_packages.sh chromium strace
	@$(READER)
	@echo "Cài các gói để kiểm thử / installing what test.lock names"
	@$(PIP) install --no-compile --require-hashes -r test.lock
	@$(INSTALL_SELF)
	@touch $@ .venv/.run
