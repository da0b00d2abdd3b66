# One image for every process: web, worker, clock, migrate. It holds no server, no test, no secret.
FROM python:3.13-slim AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_NO_CACHE_DIR=1
WORKDIR /build
RUN python -m venv /opt/baraza
COPY requirements/server.txt requirements/server.txt
RUN /opt/baraza/bin/pip install --require-hashes --only-binary=:all: -r requirements/server.txt
COPY pyproject.toml README.md ./
COPY app app
COPY ussd_menus ussd_menus
COPY workers workers
RUN /opt/baraza/bin/pip install --no-deps --no-build-isolation .

FROM python:3.13-slim
RUN groupadd --gid 10001 baraza \
    && useradd --uid 10001 --gid baraza --no-create-home --home-dir /nonexistent \
       --shell /usr/sbin/nologin baraza
COPY --from=build /opt/baraza /opt/baraza
# Production unless said otherwise: it refuses default secrets, the sandbox and plain HTTP.
ENV PATH=/opt/baraza/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    BARAZA_ENV=production \
    HOST=0.0.0.0 \
    PORT=8000
USER 10001:10001
WORKDIR /opt/baraza
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=4s --start-period=20s --retries=3 CMD ["python", "-c", \
    "import os, urllib.request as r; r.urlopen(f\"http://127.0.0.1:{os.environ['PORT']}/health/ready\", timeout=3)"]
CMD ["baraza", "web"]
