# SPDX-License-Identifier: MIT
# docker build --tag mte-api-relay .
# With buildah: buildah build --format docker (an OCI image forgets HEALTHCHECK).

FROM docker.io/library/debian:12-slim AS build

RUN apt-get update \
    && DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends \
        autoconf automake gcc libc6-dev make pkg-config \
        libconfig-dev libh2o-evloop-dev libhiredis-dev libjansson-dev libseccomp-dev libssl-dev

COPY . /src
WORKDIR /build
RUN (cd /src && ./autogen.sh) \
    && /src/configure --quiet --prefix=/usr --sysconfdir=/etc --localstatedir=/var --runstatedir=/run \
    && make -j "$(nproc)" \
    && make install-strip DESTDIR=/installed

FROM docker.io/library/debian:12-slim

# No program in the image can make anybody another user: nothing in it needs that.
RUN apt-get update \
    && DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends \
        ca-certificates libconfig9 libh2o-evloop0.13 libhiredis0.14 libjansson4 libseccomp2 libssl3 \
    && rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/cache/debconf/*-old /var/log/* \
    && find / -xdev -perm /6000 -exec chmod a-s {} + \
    && groupadd --gid 10001 mte-api-relay \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /nonexistent \
        --shell /usr/sbin/nologin mte-api-relay \
    && install --directory --owner=10001 --group=10001 --mode=0750 /run/mte-api-relay

COPY --from=build /installed/usr/sbin/ /usr/sbin/
COPY --from=build /installed/usr/bin/relayctl /usr/bin/
COPY --from=build /installed/usr/libexec/mte-api-relay/mte-api-relay-worker /usr/libexec/mte-api-relay/
COPY COPYING /usr/share/doc/mte-api-relay/copyright

ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="mte-api-relay" \
      org.opencontainers.image.description="Relays that put end-to-end encryption between two server applications" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.revision="$REVISION" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.base.name="docker.io/library/debian:12-slim"

USER 10001:10001
WORKDIR /
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s CMD ["/usr/sbin/mte-api-relayd", "--healthcheck"]
ENTRYPOINT ["/usr/sbin/mte-api-relayd"]
