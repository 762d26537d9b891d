# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Shared by the scripts of this directory; sourced, never run.
# shellcheck shell=bash
# shellcheck disable=SC2034  # used by those who source it

HOSTS_IMAGE=dwp-host
HOSTS_NETWORK=${DWP_HOSTS_NETWORK:-dwp-t}
HOSTS_SUBNET=${DWP_HOSTS_SUBNET:-172.31.250}   # the first three bytes of a /24
HOSTS_PREFIX=${DWP_HOSTS_PREFIX:-dwp-t}        # containers are called PREFIX-NAME

say() { printf '%s: %s\n' "${0##*/}" "$*" >&2; }
die() { say "$*"; exit 1; }

need_root() {
    [ "$(id -u)" -eq 0 ] || die "$1 needs root: run it once as root, then call this again"
}

# apt_install COMMAND=PACKAGE...: installs the packages whose command is missing.
apt_install() {
    local pair missing=()
    for pair in "$@"; do
        command -v "${pair%%=*}" >/dev/null || [ -x "/usr/sbin/${pair%%=*}" ] || missing+=("${pair#*=}")
    done
    [ ${#missing[@]} -eq 0 ] && return
    need_root "installing ${missing[*]}"
    say "installing ${missing[*]}"
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
}
