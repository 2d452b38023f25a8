# Build: docker build -t matcher .        Run: docker run -p 50051:50051 matcher
# The image serves gRPC on every interface; mount a configuration and name it in MATCHER_CONFIG to change that.
#
# BASE is any Debian or Ubuntu with Python 3.11 or newer as python3 and its venv module. A release pins it by digest.
# Built twice from one commit with the same base, index and SOURCE_DATE_EPOCH (docker buildx, or buildah's --timestamp),
# the layers have the same content: no caches, no timestamps in bytecode, nothing from outside the files listed here.
ARG BASE=python:3.12-slim-bookworm

FROM ${BASE} AS build
# What the build needs besides the base: a compiler, and where Python is Debian's own its headers (python3-dev).
ARG BUILD_PACKAGES="g++ make"
# Versions of Debian's compiler are the base image's: pinning them here would only break the build when Debian moves.
# hadolint ignore=DL3008,SC2086
RUN apt-get update \
 && apt-get install --yes --no-install-recommends ${BUILD_PACKAGES} \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /source
RUN python3 -m venv /opt/matcher
COPY pyproject.toml README.md LICENSE CMakeLists.txt ./
COPY cpp ./cpp
COPY proto ./proto
COPY tools ./tools
COPY python ./python
# Bytecode is made here because the root file system is read-only where it runs; it is valid by the sources' hash and not
# by their time, so that it is the same in every build. pip has done its work: what is not there cannot be abused.
RUN /opt/matcher/bin/pip install --no-cache-dir --no-compile . \
 && find /opt/matcher -depth -type d -name tests -path '*/site-packages/*' -exec rm -rf {} + \
 && /opt/matcher/bin/python -m compileall -q -j 0 --invalidation-mode unchecked-hash /opt/matcher/lib \
 && /opt/matcher/bin/python -m pip uninstall --yes --quiet pip \
 && /opt/matcher/bin/matcher version

FROM ${BASE}
LABEL org.opencontainers.image.title="matcher" \
      org.opencontainers.image.description="Decision service for on-demand fulfilment over gRPC" \
      org.opencontainers.image.licenses="Apache-2.0"
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
