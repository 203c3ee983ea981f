"""The checks of `doctor`, one section each. A section that cannot be asked says so, and the others go on."""

from contextlib import closing
from datetime import UTC, datetime

from refund_worker.adapters.broker import Broker, BrokerError
from refund_worker.adapters.calendar import CrontabCalendar
from refund_worker.adapters.clock import SystemClock
from refund_worker.adapters.ledger.gauges import SqlGauges
from refund_worker.adapters.ledger.opening import open_database
from refund_worker.adapters.ledger.state import LedgerReport, ledger_report
from refund_worker.adapters.notifier import Notifier
from refund_worker.adapters.notifier_error import NotifierError
from refund_worker.adapters.stripe_gateway import API_VERSION, Endpoint, StripeApi
from refund_worker.bootstrap import open_ledger, stripe_of
from refund_worker.domain.errors import LedgerError, StripeError, Unauthorized
from refund_worker.domain.events import EVENT_TYPES
from refund_worker.domain.facts import Account
from refund_worker.domain.policy import Policy
from refund_worker.entrypoints.amounts import face_value
from refund_worker.entrypoints.doctor_lines import Section
from refund_worker.entrypoints.halting import halted_line
from refund_worker.entrypoints.letting_through import waiting_line
from refund_worker.entrypoints.money import plans_only
from refund_worker.entrypoints.times import age
from refund_worker.settings import Settings
from refund_worker.usecases.let_through import waiting_runs

WEBHOOK_PATH = "/webhooks/stripe"
# Webhooks are refused beyond 300 s; the 20 hours of a key are measured by this clock too.
SKEW_WARNING_S, SKEW_PROBLEM_S = 2, 60
# The only one that nothing fails without: Stripe refuses by itself what it cannot pay.
FUNDS_PERMISSION = "rak_balance_read"
_WITHOUT_FUNDS = "add it, so that a night stops before its first refund that the Stripe balance cannot pay"
FREE_WARNING, FREE_PROBLEM = 1 << 30, 100 << 20


class Checks:
    """All sections, in the order in which a person would mend them."""

    def __init__(self, settings: Settings, policy: Policy) -> None:
        """Keep what is checked."""
        self._settings = settings
        self._policy = policy
        self._clock = SystemClock()
        self._account: Account | None = None

    def all(self) -> tuple[Section, ...]:
        """Check everything."""
        stripe = stripe_of(self._settings)
        try:
            return (
                self._stripe(stripe), self._money(), self._ledger(), self._redis(), self._webhooks(stripe),
                self._schedule(), self._policy_in_force(), self._notices(),
            )  # fmt: skip
        finally:
            stripe.close()

    def _stripe(self, stripe: StripeApi) -> Section:
        section, settings = Section("Stripe"), self._settings
        kind = "restricted" if settings.restricted else "secret"
        try:
            self._account = stripe.account()
        except StripeError as error:
            section.problem(str(error), "nothing else of Stripe can be asked until that is mended")
            return section
        self._skew(section, stripe)
        section.ok(
            f"{_mode(settings.livemode)} mode, {kind} key, account {self._account.id}, API version {API_VERSION}"
        )
        if not settings.restricted:
            section.warn("the key is a secret one: it may do everything", "make a restricted key for refund-worker")
        for permission in stripe.probe.permissions():
            if permission.given:
                section.ok(f"permission {permission.name}")
            elif permission.given is False and permission.name == FUNDS_PERMISSION:
                section.warn(f"permission {permission.name} is missing", _WITHOUT_FUNDS)
            elif permission.given is False:
                section.problem(f"permission {permission.name} is missing", "add it to the key in the Dashboard")
            else:
                section.warn(f"permission {permission.name} could not be tried: {permission.said}")
        rates = settings.rates()
        section.ok(f"at most {rates.global_per_second:g} calls a second, {rates.endpoint_per_second:g} an endpoint")
        return section

    def _skew(self, section: Section, stripe: StripeApi) -> None:
        skew = stripe.probe.skew_s(now=self._clock.now())
        if skew is None:
            return
        said = f"this clock is {abs(skew)} s {'ahead of' if skew > 0 else 'behind'} Stripe's"
        if abs(skew) > SKEW_PROBLEM_S:
            section.problem(said, "set the clock (NTP): webhooks are refused, and time limits of keys are wrong")
        elif abs(skew) > SKEW_WARNING_S:
            section.warn(said, "set the clock (NTP)")
        else:
            section.ok("this clock agrees with Stripe's")

    def _money(self) -> Section:
        section = Section("Money")
        if plans_only(self._settings):
            section.warn("REFUND_LIVE is not 1: with this live key nothing is moved, plans only")
        elif self._settings.livemode:
            section.ok("REFUND_LIVE is 1: money moves")
        else:
            section.ok("test money moves; a live key would need REFUND_LIVE=1")
        try:
            queue = open_ledger(self._settings, create=False).queue
            halt, waiting = queue.halted(), waiting_runs(queue)
        except LedgerError:
            return section  # the ledger's own section tells
        for shared in waiting:
            section.problem(waiting_line(shared), "look at its notice, then let it through, or leave it")
        if halt is None:
            section.ok("no halt stands")
        else:
            section.problem(halted_line(halt))
        return section

    def _ledger(self) -> Section:
        section = Section("Ledger")
        try:
            found = ledger_report(self._settings.database_url)
        except LedgerError as error:
            section.problem(str(error))
            return section
        section.ok(f"{found.kind}, {found.where}, tables {found.version}")
        self._binding(section, found)
        self._room(section, found)
        if found.head is not None:
            section.ok(f"head of the audit trail {found.head}")
        return section

    def _binding(self, section: Section, found: LedgerReport) -> None:
        if found.account is None:
            section.warn("not bound to an account yet", "the first `refund-worker plan` binds it")
        elif self._account is not None and (found.account, found.livemode) != (
            self._account.id,
            self._account.livemode,
        ):
            section.problem(
                f"bound to {found.account} in {_mode(found.livemode)} mode, the key is of {self._account.id} in "
                f"{_mode(self._account.livemode)} mode",
                "correct DATABASE_URL or STRIPE_API_KEY",
            )
        else:
            section.ok(f"bound to {found.account} in {_mode(found.livemode)} mode")

    @staticmethod
    def _room(section: Section, found: LedgerReport) -> None:
        if found.free_bytes is None:
            section.ok(f"{_bytes(found.used_bytes or 0)} in use; how much room is left only the server knows")
            return
        said = f"{_bytes(found.free_bytes)} are free on its disk"
        if found.free_bytes < FREE_PROBLEM:
            section.problem(said, "free some: a full disk stops all money steps")
        elif found.free_bytes < FREE_WARNING:
            section.warn(said)
        else:
            section.ok(said)

    def _redis(self) -> Section:
        section, url = Section("Redis"), self._settings.redis_url
        if url is None:
            section.warn("REDIS_URL is not set: no worker, no beat; each `run` keeps a rate of its own")
            return section
        broker = Broker(url)
        try:
            found = broker.facts()
        except BrokerError as error:
            section.problem(str(error), "workers go on without it, but start only where it answers")
            return section
        finally:
            broker.close()
        section.ok(f"version {found.version}, {_bytes(found.used_bytes)} in use")
        if found.maxmemory_policy in {"noeviction", None}:
            section.ok("evicts nothing" if found.maxmemory_policy else "what it evicts it does not tell")
        else:
            section.problem(f"maxmemory-policy is {found.maxmemory_policy}", "set it to noeviction")
        if found.persisted is False:
            section.warn(
                "writes nothing to disk", "a restart loses wake-ups only; workers find their work in the ledger"
            )
        else:
            section.ok("writes to disk" if found.persisted else "whether it writes to disk it does not tell")
        return section

    def _webhooks(self, stripe: StripeApi) -> Section:
        section = Section("Webhooks")
        count = len(self._settings.webhook_secrets)
        if count:
            section.ok(f"{count} signing secret{'s' if count > 1 else ''} set")
        else:
            section.warn("STRIPE_WEBHOOK_SECRET is not set: the endpoint is off, only polls find changes")
        try:
            found = [one for one in stripe.probe.endpoints() if one.url.rstrip("/").endswith(WEBHOOK_PATH)]
        except Unauthorized:
            section.warn("the key may not read webhook endpoints", "add rak_webhook_read to let doctor check them")
            return section
        except StripeError as error:
            section.warn(f"the endpoints could not be read: {error}")
            return section
        if not found:
            section.warn(f"no endpoint at Stripe ends with {WEBHOOK_PATH}", "add one in the Dashboard, for your host")
        for endpoint in found:
            self._endpoint(section, endpoint)
        return section

    @staticmethod
    def _endpoint(section: Section, endpoint: Endpoint) -> None:
        missing = [] if "*" in endpoint.events else sorted(set(EVENT_TYPES) - endpoint.events)
        if not endpoint.enabled:
            section.problem(f"{endpoint.id} ({endpoint.url}) is disabled", "enable it in the Dashboard")
        elif missing:
            section.warn(f"{endpoint.id} ({endpoint.url}) does not get: {', '.join(missing)}", "add these events to it")
        else:
            section.ok(f"{endpoint.id} ({endpoint.url}) gets all events that matter")
        if endpoint.api_version not in {API_VERSION, None}:
            section.ok(f"{endpoint.id} sends API version {endpoint.api_version}: only ids are taken from its events")

    def _schedule(self) -> Section:
        section, settings = Section("Schedule"), self._settings
        calendar = CrontabCalendar(crontab=settings.night_crontab, tz=settings.company_tz, clock=self._clock)
        night = calendar.next_night()
        local = datetime.fromtimestamp(night.at, settings.company_tz).strftime("%Y-%m-%d %H:%M %Z")
        utc_time = datetime.fromtimestamp(night.at, UTC).strftime("%Y-%m-%d %H:%M")
        when = local if settings.company_tz is UTC else f"{local}, {utc_time} UTC"
        section.ok(f"the next night begins {when}, in {age(night.at - self._clock.now())}")
        self._last_night(section)
        section.ok(
            f"a customer rests {settings.settling_s} s after an event; {settings.worker_threads} threads a worker"
        )
        return section

    def _last_night(self, section: Section) -> None:
        try:
            with closing(open_database(self._settings.database_url, create=False)) as database:
                finished = SqlGauges(database).read(now=self._clock.now()).night_finished_s
        except LedgerError:
            return  # the ledger's own section tells
        if finished is None:
            section.ok("no night has finished yet: `refund-worker worker` begins it at its time")
        elif finished > 2 * 24 * 3600:
            section.problem(f"the last night finished {age(finished)} ago", "look whether worker and beat run")
        else:
            section.ok(f"the last night finished {age(finished)} ago")

    def _policy_in_force(self) -> Section:
        section, policy = Section("Policy"), self._policy
        source = "the default policy" if self._settings.policy_path is None else str(self._settings.policy_path)
        section.ok(f"{source}, digest {policy.digest()}")
        if policy.credit_since is not None:
            section.ok(
                f"credit since {datetime.fromtimestamp(policy.credit_since, self._settings.company_tz):%Y-%m-%d}"
            )
        elif self._settings.livemode:
            section.problem("credit_since is not set", "with a live key policy.toml must say how old credit may be")
        else:
            section.ok("credit of any age")
        section.ok(
            f"at most {face_value(policy.case_limit('usd'), 'usd')} a case, "
            f"{face_value(policy.run_limit('usd'), 'usd')} and {policy.run_cases_max} cases a run (usd)"
        )
        return section

    def _notices(self) -> Section:
        section = Section("Notices")
        try:
            kinds = Notifier(self._settings.notify_urls).kinds
        except NotifierError as error:
            section.problem(str(error))
            return section
        if kinds:
            section.ok(f"{len(kinds)} target{'s' if len(kinds) > 1 else ''}: {', '.join(kinds)}")
        else:
            section.warn("NOTIFY_URLS is not set: nobody is told when a night stops or a refund fails")
        return section


def _mode(livemode: object) -> str:
    return "live" if livemode else "test"


def _bytes(count: int) -> str:
    for unit, size in (("GB", 1 << 30), ("MB", 1 << 20)):
        if count >= size:
            return f"{count / size:.1f} {unit}"
    return f"{count // 1024} kB"
