# Stands in for contribsys/faktory where no image can be fetched: the same layout (the program in /,
# Redis and socat, the folders of production mode, root), from a Faktory that was built here.
FROM debian:bookworm-slim
RUN apt-get -q update \
 && apt-get -q -y install --no-install-recommends redis-server socat \
 && rm -rf /var/lib/apt/lists/* \
 && mkdir -p /root/.faktory/db /var/lib/faktory/db /etc/faktory
COPY faktory /faktory
EXPOSE 7419 7420
CMD ["/faktory", "-w", "0.0.0.0:7420", "-b", "0.0.0.0:7419"]
