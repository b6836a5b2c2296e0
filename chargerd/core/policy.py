"""The operator's choices as one frozen value."""

from dataclasses import dataclass
from datetime import UTC, tzinfo
from enum import StrEnum
from typing import Final

from chargerd.core.dialects import Dialect
from chargerd.core.reasons import Cause

ENERGY: Final = "Energy.Active.Import.Register"


class PlainFirmware(StrEnum):
    """Under which security profiles UpdateFirmware, without a signature, is served."""

    NEVER = "Never"
    UNSECURED = "Unsecured"  # profile 0 alone
    ALWAYS = "Always"


@dataclass(frozen=True, slots=True)
class Policy:
    """What the configuration keys of OCPP mean to the station.

    ``ocpp16.keys`` makes it from the keys and explains each of them; zero turns
    an interval off unless its key says otherwise.
    """

    absolute_without_start: bool = True
    accept_expired_reservation: bool = False
    allow_offline_unknown_id: bool = False
    authorize_remote_start: bool = False
    cache_enabled: bool = True
    connection_timeout_s: int = 60
    free_vend: bool = False
    free_vend_id_tag: str = "FREE"
    heartbeat_interval_s: int = 300
    aligned_interval_s: int = 0
    aligned_zone: tzinfo = UTC
    aligned_measurands: tuple[str, ...] = (ENERGY,)
    accept_empty_differential: bool = True
    connection_timeout_plug_first: bool = True
    list_enabled: bool = True
    list_refuses_first: bool = True
    listed_concurrent_valid: bool = False
    plug_in_first: bool = False
    send_needs_list: bool = True
    unknown_covers_known: bool = True
    local_authorize_offline: bool = True
    local_pre_authorize: bool = False
    max_energy_on_invalid_id_wh: int = 0
    max_message_bytes: int = 0
    message_timeout_s: int = 30
    sampled_measurands: tuple[str, ...] = (ENERGY,)
    sample_interval_s: int = 60
    minimum_status_duration_s: int = 0
    status_reports_per_minute: int = 20
    report_zero_reservation: bool = True
    reservation_enabled: bool = True
    reserve_connector_zero: bool = True
    reset_retries: int = 3
    stop_on_invalid_id: bool = True
    stop_on_meter_failure: bool = True
    stop_on_unplug: bool = True
    stop_on_vehicle_end: bool = True
    unlock_on_unplug: bool = False
    waiting_timeout_s: int = 0
    stop_aligned_measurands: tuple[str, ...] = ()
    stop_sampled_measurands: tuple[str, ...] = ()
    message_attempts: int = 3
    meter_step_limit: int = 110
    message_retry_interval_s: int = 60
    ping_interval_s: int = 60
    pong_within_s: int = 15
    redial_least_s: int = 0
    redial_random_s: int = 1
    redial_doublings: int = 8
    profile_skew_s: int = 60
    default_after_own_profile: bool = False
    default_for_all_overrules: bool = False
    efficiency: int = 100
    minimum_power_w: int = 1_500
    offline_limit_w: int = 0
    offline_delay_s: int = 300
    mains_voltage_v: int = 230
    reported_phases: int = 0
    rate_units: tuple[str, ...] = ("Current", "Power")
    nothing_cleared_accepted: bool = False
    tell_all_security_events: bool = True
    advertise_dialect: bool = False
    vendor_error_dialect: Dialect = Dialect.CHARGERD
    messages_replace_heartbeats: bool = True
    detailed_call_errors: bool = True
    answer_unreadable_messages: bool = False
    firmware_idle_within_s: int = 86_400
    firmware_retries: int = 3
    firmware_retry_interval_s: int = 60
    firmware_stops_transactions: bool = False
    plain_firmware: PlainFirmware = PlainFirmware.UNSECURED
    security_profile: int = 0
    cpo_name: str = ""
    certificate_key_kind: str = "EC-P256"
    most_chain_characters: int = 10_000
    most_roots: int = 16
    roots_signed_by_last: bool = False
    delete_last_root: bool = True
    install_roots_insecurely: bool = True

    @property
    def outlived(self) -> frozenset[Cause]:
        """What does not end a transaction: it waits for its vehicle instead."""
        ends = (
            (Cause.PLUG_REMOVED, self.stop_on_unplug),
            (Cause.VEHICLE_ENDED, self.stop_on_vehicle_end),
        )
        return frozenset(cause for cause, stops in ends if not stops)

    @property
    def holding(self) -> frozenset[Cause]:
        """After what the cable of a socket stays locked until its driver comes."""
        pulled = () if self.unlock_on_unplug else (Cause.PLUG_REMOVED,)
        return frozenset({Cause.DEAUTHORIZED, *pulled})
