# One node. `docker compose up --build` starts two and a broker: see docker-compose.yml.
FROM python:3.12-slim AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv /opt/handclasp
WORKDIR /build

# The dependencies change seldom, so they have a layer of their own. Every file is held against its hash.
COPY requirements/main.lock requirements/
RUN /opt/handclasp/bin/pip install --no-deps --require-hashes --requirement requirements/main.lock

COPY pyproject.toml README.md LICENSE CHANGELOG.md ./
COPY protocol protocol
COPY node node
COPY simulations simulations
RUN /opt/handclasp/bin/pip install --no-deps --no-index --no-build-isolation .

FROM python:3.12-slim
COPY --from=build /opt/handclasp /opt/handclasp

# The node runs as a user who owns its data and nothing else.
RUN useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin handclasp \
    && install --directory --owner handclasp --mode 0700 /data
USER handclasp
WORKDIR /data
VOLUME /data

# The node listens on every address of the container: what reaches it is decided where its ports are published.
ENV PATH=/opt/handclasp/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    HANDCLASP_DATA=/data \
    HANDCLASP_LISTEN=0.0.0.0:8101 \
    HANDCLASP_INSTANCE_LISTEN=0.0.0.0:8001 \
    HANDCLASP_LOG_FORMAT=json
EXPOSE 8101 8001

HEALTHCHECK --interval=10s --timeout=5s --start-period=10s --retries=3 \
    CMD ["python", "-m", "node.is_well"]

ENTRYPOINT ["handclasp"]
CMD ["node"]
