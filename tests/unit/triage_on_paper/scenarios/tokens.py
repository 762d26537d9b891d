# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tokens: whose are refused, and when one user's old token is not the news."""

from __future__ import annotations

from .. import texts
from ..scenario import cause, scenario
from ..world import World


@scenario("main's secret differs from that of the AI platform, whose only requests were 4 and 9 min ago", cause("JWT_SIG/none|main"),
          xfail="two refusals some minutes apart count as over")  # fmt: skip
def t_jwt_sig_4_min_ago(world: World) -> None:
    for ago in (240, 540):
        world["main"].log.warn(ago, texts.TOKENS, texts.TOKEN_SIGNED_OTHERWISE)


@scenario("main on app-2 has another JWT_SECRET than the three others", cause("JWT_SIG/main", host="app-2"), layout="ha")
def i_secret_on_one_instance(world: World) -> None:
    world["main", "app-2"].edit("JWT_SECRET", "K" * 48)
    world["main", "app-2"].log.warn(20, texts.TOKENS, texts.TOKEN_SIGNED_OTHERWISE, times=10, every=6)


@scenario("mail throws a NullPointerException for each inbox; one user's token expired meanwhile, as always", cause("unknown/mail"))
def x_npe_behind_expired_token(world: World) -> None:
    world["mail"].log.error(3, texts.null_pointer(), times=25, every=4)
    world["auth"].log.warn(35, texts.LOGINS, texts.TOKEN_EXPIRED)
