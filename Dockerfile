# Build: docker build -t matcher .        Run: docker run -p 50051:50051 matcher
# The image serves gRPC on every interface; mount a configuration and name it in MATCHER_CONFIG to change that.
ARG PYTHON=3.12

FROM python:${PYTHON}-slim-bookworm AS build
# Versions of Debian's compiler are the base image's: pinning them here would only break the build when Debian moves.
# hadolint ignore=DL3008
RUN apt-get update \
 && apt-get install --yes --no-install-recommends g++ make \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /source
RUN python -m venv /opt/matcher
COPY pyproject.toml README.md LICENSE CMakeLists.txt ./
COPY cpp ./cpp
COPY proto ./proto
COPY tools ./tools
COPY python ./python
RUN /opt/matcher/bin/pip install --no-cache-dir .

FROM python:${PYTHON}-slim-bookworm
RUN groupadd --gid 65532 matcher \
 && useradd --uid 65532 --gid 65532 --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin matcher
COPY --from=build /opt/matcher /opt/matcher
ENV PATH=/opt/matcher/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1
USER 65532:65532
EXPOSE 50051
ENTRYPOINT ["matcher"]
CMD ["serve", "--listen", "0.0.0.0:50051"]
