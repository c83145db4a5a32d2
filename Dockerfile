# One static program on an empty image, as a user that owns nothing but /data.
FROM golang:1.26-bookworm AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG VERSION=
RUN CGO_ENABLED=0 go build -trimpath -ldflags "-s -w -X main.version=${VERSION}" -o /out/epistle ./cmd/epistle \
 && mkdir -p /out/data /out/tmp && chmod 0700 /out/data && chmod 1777 /out/tmp

FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build /out/epistle /epistle
COPY --from=build --chown=65532:65532 /out/data /data
COPY --from=build /out/tmp /tmp
USER 65532:65532
# The settings file, the key and a SQLite database are in /data: keep it.
WORKDIR /data
VOLUME /data
ENV EPISTLE_DATA_DIR=/data \
    EPISTLE_SERVER_LISTEN=0.0.0.0:8080
EXPOSE 8080
HEALTHCHECK --interval=30s --timeout=6s --start-period=20s CMD ["/epistle", "healthcheck"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["/epistle"]
CMD ["serve"]
