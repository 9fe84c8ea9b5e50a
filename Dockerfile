# One image for web, workers, beat and migrations; the command tells which of them a container is.
FROM python:3.11-slim

ENV PYTHONUNBUFFERED=1 \
    DJANGO_SETTINGS_MODULE=cxcenter.settings

# Its number is fixed, so that the owner of files in a volume is the same after every build.
RUN useradd --uid 10001 --create-home --home-dir /home/cx --shell /usr/sbin/nologin cx

WORKDIR /app

# First the packages: this layer is made again only when a pin changes.
# x264 and x265 (GPL), which come with av, are taken out in the same layer: the image holds none of them.
COPY requirements.txt requirements-asr.txt requirements-s3.txt deploy/lgpl_av.sh ./
RUN apt-get update \
    && apt-get install --yes --no-install-recommends gcc \
    && pip install --no-cache-dir --disable-pip-version-check --no-deps --require-hashes --requirement requirements.txt \
    && sh lgpl_av.sh "$(python -c 'import sysconfig; print(sysconfig.get_path("platlib"))')" \
    && apt-get purge --yes --auto-remove gcc \
    && rm -rf /var/lib/apt/lists/*

# What only some need, split at spaces: asr (speech is recognised), s3 (recordings lie in a bucket).
ARG EXTRAS=""
RUN for extra in $EXTRAS; do \
        pip install --no-cache-dir --disable-pip-version-check --no-deps --require-hashes \
            --requirement "requirements-$extra.txt" || exit 1; \
    done

COPY . ./

# Catalogs and static files are made here, as in `make run`; the code itself stays read-only for the process.
# The two folders are the mount points of volumes, which take over their owner.
RUN python -m cxcenter.management.launch.messages \
    && python -c "import sys, django; django.setup(); \
from cxcenter.management.launch.prepare import collect_static; collect_static(sys.stdout)" \
    && mkdir /app/files /srv/static \
    && chown cx:cx /app/files /srv/static

USER cx
ENV CX_ENV=production \
    MEDIA_DIR=/app/files
EXPOSE 8000

HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 CMD ["python", "deploy/alive.py"]

CMD ["python", "-m", "cxcenter.serve", "--host", "0.0.0.0", "--port", "8000"]
