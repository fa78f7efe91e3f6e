#!/bin/sh
# Chromium for the tests that drive a page: the system's, or that of Playwright in the Python that is given. Where none
# can be had those tests are skipped; under CI=true that is a failure.
for name in chromium google-chrome chromium-browser google-chrome-stable; do
  command -v "$name" >/dev/null 2>&1 && exit 0
done
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
  echo "installing Chromium for the browser tests" >&2
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -qq >&2 && apt-get install -y -qq --no-install-recommends chromium >&2 && exit 0
fi
"${1:-python3}" -m playwright install chromium >&2 && exit 0
echo "no chromium or google-chrome on PATH: the browser tests are skipped (install one to run them)" >&2
[ "${CI:-}" != true ]
