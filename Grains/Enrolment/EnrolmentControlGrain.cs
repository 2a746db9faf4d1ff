using ControlPlane.Access;
using ControlPlane.Flow;
using ControlPlane.Placement;
using ControlPlane.Placement.Overlays;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Orleans.Runtime;

namespace ControlPlane.Enrolment;

[GrainType("enrolment-control"), KeepAlive]
internal sealed partial class EnrolmentControlGrain(
    [PersistentState("enrolment-control", Stores.Fleet)] IPersistentState<EnrolmentControlState> stored,
    IOptionsMonitor<AdmissionOptions> admission,
    IOptionsMonitor<OverlaysOptions> overlays,
    TimeProvider time,
    ILogger<EnrolmentControlGrain> logger) : Grain, IInternalEnrolmentControlGrain
{
    /// <summary>What the brake's stop says it is by.</summary>
    private const string Brake = "the control plane";

    /// <summary>Turns that are drawn at once.</summary>
    private const int TurnsMax = 10_000;

    /// <summary>Silos whose last report is remembered; an overlay has a handful, and some of earlier days.</summary>
    private const int SilosMax = 64;

    private readonly Brake fallen = new(() => EnrolmentBrakes.Fallen(admission.CurrentValue));
    private readonly Brake heard = new(() => EnrolmentBrakes.Fallen(admission.CurrentValue));
    private readonly Brake missing = new(() => EnrolmentBrakes.Missing(admission.CurrentValue));
    private readonly Dictionary<string, long> reported = new(StringComparer.Ordinal);
    private int? nodes;

    private string Overlay => this.GetPrimaryKeyString();

    private bool IsConfigured => overlays.CurrentValue.Members.ContainsKey(Overlay);

    private EnrolmentControl Control => stored.State.Control ?? new EnrolmentControl(Overlay);

    private EnrolmentControl? Current => IsConfigured ? Control with { AreFallsChecked = AreFallsChecked } : null;

    // Anybody may publish that a node fell: that alone stops nobody, and has those who fell wait until they are counted.
    private bool AreFallsChecked =>
        EnrolmentBrakes.JudgeFallen(heard.Count(time.GetUtcNow()).Failed, nodes, admission.CurrentValue) is not null;

    public Task<EnrolmentControl?> Get() => Task.FromResult(Current);

    public Task<EnrolmentControl?> Pause(ControlChange change) =>
        Control.Pause is { } pause && (pause.By, pause.Reason) == (CallerContext.Actor, change.Reason)
            ? Get()
            : Change(
                change,
                $"paused: {change.Reason}",
                Control with { Pause = new EnrolmentStop(CallerContext.Actor, change.Reason, time.GetUtcNow()) });

    public Task<EnrolmentControl?> Resume(ControlChange change) =>
        Control.Pause is null ? Get() : Change(change, $"resumed: {change.Reason}", Control with { Pause = null });

    public Task<EnrolmentControl?> Limit(int? perMinute, ControlChange change)
    {
        if (perMinute is { } rate)
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(rate, 1, nameof(perMinute));
            ArgumentOutOfRangeException.ThrowIfGreaterThan(rate, IEnrolmentControlGrain.PerMinuteMax, nameof(perMinute));
        }

        var limit = perMinute is { } some ? new EnrolmentLimit(some, CallerContext.Actor, change.Reason, time.GetUtcNow()) : null;
        return Control.Limit?.PerMinute == perMinute
            ? Get()
            : Change(
                change,
                $"limited to {(perMinute is { } most ? $"{most} a minute" : "what can be borne")}: {change.Reason}",
                Control with { Limit = limit });
    }

    public async Task<EnrolmentControl?> ReleaseBrake(ControlChange change)
    {
        // What fell, or did not arrive, before the release was seen by who released it.
        fallen.Release();
        heard.Release();
        missing.Release();
        return Control.Brake is null
            ? Current
            : await Change(change, $"let go on, its brake released: {change.Reason}", Control with { Brake = null, BrakesAll = false });
    }

    public async Task<EnrolmentControl?> Report(EnrolmentReport report)
    {
        if (!IsConfigured || report is { Fallen: 0, Heard: 0, Missing: null or [], Arrived: 0 } || !IsNew(report))
        {
            return Current;
        }

        var (options, now) = (admission.CurrentValue, time.GetUtcNow());
        missing.Add(now, report.Missing ?? [], report.Arrived);
        if (!Control.BrakesAll && EnrolmentBrakes.JudgeMissing(missing, options, now) is { } lost)
        {
            await SetBrake(lost, isForAll: true, now);
        }

        fallen.Add(now, report.Fallen);
        heard.Add(now, report.Heard);
        var within = fallen.Count(now).Failed;
        if (Control.Brake is null && Math.Max(within, heard.Count(now).Failed) >= options.BrakeNodesMin)
        {
            await CountNodes();
            if (EnrolmentBrakes.JudgeFallen(within, nodes, options) is { } reason)
            {
                await SetBrake(reason, isForAll: false, now);
            }
        }

        return Current;
    }

    public async Task<EnrolmentSlots?> ReserveSlots(int wanted)
    {
        if (Current is not { Limit: { } limit } control)
        {
            return null;
        }

        var (after, turns) = stored.State.Draw(control, limit, Math.Clamp(wanted, 1, TurnsMax), time.GetUtcNow());

        // Before they are given out: turns that are lost with us cost time, turns given twice would exceed the limit.
        await stored.ReplaceAsync(after);
        return turns;
    }

    private async Task SetBrake(string reason, bool isForAll, DateTimeOffset now)
    {
        await stored.ReplaceAsync(EnrolmentControlState.After(
            Control with { Brake = new EnrolmentStop(Brake, reason, now), BrakesAll = isForAll }));
        LogBraked(Overlay, isForAll ? "all nodes from enrolling" : "its nodes from enrolling again", reason);
    }

    // Reports that come twice after the grain moved are counted twice: that errs towards stopping.
    private bool IsNew(EnrolmentReport report)
    {
        if (reported.TryGetValue(report.Silo, out var last) && report.Sequence <= last)
        {
            return false;
        }

        if (reported.Count >= SilosMax)
        {
            reported.Clear();
        }

        reported[report.Silo] = report.Sequence;
        return true;
    }

    private async Task<EnrolmentControl?> Change(ControlChange change, string what, EnrolmentControl next)
    {
        if (!IsConfigured)
        {
            return null;
        }

        await stored.ReplaceAsync(EnrolmentControlState.After(next));
        LogChanged(Overlay, CallerContext.Actor, what);
        return Control;
    }

    // When it does not answer, what it said last is near enough.
    private async Task CountNodes()
    {
        try
        {
            var region = overlays.CurrentValue;
            nodes = region.Serves(Overlay) ? await GrainFactory.GetOverlay(region.Region, Overlay).CountNodes() : nodes;
        }
        catch (Exception away) when (away is TimeoutException or OrleansException or PlacementUnavailableException)
        {
            LogUncounted(Overlay, away.Message);
        }
    }

    [LoggerMessage(LogLevel.Information, "Enrolment in {Overlay} was changed by {Actor}: {What}")]
    private partial void LogChanged(string overlay, string actor, string what);

    [LoggerMessage(LogLevel.Error, "The brake of {Overlay} stops {What} until an operator releases it: {Reason}")]
    private partial void LogBraked(string overlay, string what, string reason);

    [LoggerMessage(LogLevel.Warning, "The nodes of {Overlay} could not be counted: {Reason}")]
    private partial void LogUncounted(string overlay, string reason);
}
