using System.Text.Json;
using ControlPlane.Nodes;

namespace ControlPlane.Jobs;

/// <summary>
/// The action <c>controlplane#reprovision</c>: the grain of each target has it enrol anew, and is asked until it has arrived.
/// </summary>
/// <remarks>In the name of one attempt a node enrols once. So whatever is not known is asked for once more.</remarks>
/// <param name="targets">The job's targets in the overlay.</param>
/// <param name="context">What jobs share.</param>
/// <param name="goOn">Called when something came.</param>
internal sealed class NodeReprovisions(OverlayTargets targets, JobContext context, Func<Task> goOn) : ITargetCalls
{
    /// <summary>Grains that are waited for at once: each waits for its node.</summary>
    private const int AtOnce = 100;

    /// <summary>A node's history keeps a reason of so many characters.</summary>
    private const int ReasonCharactersMax = 200;

    /// <summary>As Choria numbers its replies: results read like those of any agent.</summary>
    private const int Refused = 1;

    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(2);

    private readonly HashSet<int> called = [];
    private readonly PlannedPlaces places = new(targets, context);
    private List<StatusAnswer> came = [];
    private DateTimeOffset nextAt;
    private string? waits;
    private string? fault;
    private bool isAsking;
    private bool isEnded;

    public int Room => AtOnce - called.Count;

    public string? Fault => waits ?? fault;

    private OverlayJobOrder Order => targets.Order!;

    public Task<int> SendAsync(int attempt, IReadOnlyList<int> to, CancellationToken cancellationToken) =>
        BeginAsync([.. to.Select(target => (target, attempt))], cancellationToken);

    // Its node's grain knows.
    public void Recall(int target, string? dataJson)
    {
    }

    public void Take(TargetOutcomes outcomes, DateTimeOffset now)
    {
        var taken = came;
        came = [];
        foreach (var answer in taken)
        {
            outcomes.Take(answer, now);
        }
    }

    public void Ask(TargetOutcomes outcomes, DateTimeOffset now)
    {
        if (isAsking || now < nextAt)
        {
            return;
        }

        var running = outcomes.Running.Select(target => (Target: target, Attempt: outcomes.Table.AttemptsOf(target))).ToArray();
        var unknown = outcomes.Unknown.Where(target => !called.Contains(target)).Take(Math.Max(0, Room))
            .Select(target => (Target: target, Attempt: outcomes.Table.AttemptsOf(target))).ToArray();
        if (!outcomes.IsEnding && unknown.Length > 0)
        {
            // Asked once more where it stays unknown whether it was: a job that has ended begins nothing.
            BeginAsync(unknown, CancellationToken.None).Ignore();
        }

        if (running.Length > 0 || (outcomes.IsEnding && unknown.Length > 0))
        {
            isAsking = true;
            AskAllAsync(running, outcomes.IsEnding ? unknown : []).Ignore();
        }
        else if (unknown.Length > 0)
        {
            nextAt = now + Interval;
        }
        else
        {
            fault = null;
        }
    }

    public ValueTask DisposeAsync()
    {
        isEnded = true;
        return default;
    }

    private async Task<int> BeginAsync(IReadOnlyList<(int Target, int Attempt)> wanted, CancellationToken cancellationToken)
    {
        called.UnionWith(wanted.Select(one => one.Target));
        (var answers, waits) = await places.ReserveAsync(wanted, cancellationToken);
        called.ExceptWith(wanted.Skip(answers.Count).Select(one => one.Target));
        foreach (var (answer, (target, attempt)) in answers.Zip(wanted))
        {
            CallAsync(target, attempt, answer).Ignore();
        }

        return answers.Count;
    }

    private async Task CallAsync(int target, int attempt, StatusAnswer? known)
    {
        try
        {
            var answer = known ?? await ReadAsync(target, attempt, await NodeOf(target).ReprovisionForJob(NameOf(attempt), Reason));
            came.Add(answer);
        }
#pragma warning disable CA1031 // Whether it was asked is unknown, whatever it was: it is asked once more in the same name.
        catch (Exception lost)
#pragma warning restore CA1031
        {
            came.Add(new StatusAnswer(target, attempt, TargetState.Unknown, null, lost.Message, null));
        }

        called.Remove(target);
        await GoOnAsync();
    }

    private async Task AskAllAsync((int Target, int Attempt)[] running, (int Target, int Attempt)[] unknown)
    {
        foreach (var part in running.Select(one => (one.Target, one.Attempt, WasAsked: true))
            .Concat(unknown.Select(one => (one.Target, one.Attempt, WasAsked: false))).Chunk(AtOnce))
        {
            await Task.WhenAll(part.Select(one => AskAsync(one.Target, one.Attempt, one.WasAsked)));
        }

        isAsking = false;
        nextAt = context.Now + Interval;
        await GoOnAsync();
    }

    private async Task AskAsync(int target, int attempt, bool wasAsked)
    {
        try
        {
            var status = await NodeOf(target).FindReprovision(NameOf(attempt));
            var answer = status.State != ReprovisionState.NotAsked ? await ReadAsync(target, attempt, status)
                : wasAsked ? new StatusAnswer(target, attempt, TargetState.Failed, Refused, Superseded(status), null)
                : new StatusAnswer(target, attempt, TargetState.Cancelled, null, "the job had ended", null);
            came.Add(answer);
            fault = null;
        }
#pragma warning disable CA1031 // It is asked again.
        catch (Exception lost)
#pragma warning restore CA1031
        {
            fault = $"{targets.Identities[target]} cannot be asked about: {lost.Message}";
        }
    }

    private Task GoOnAsync() => isEnded ? Task.CompletedTask : goOn();

    // Another job has had it enrol anew since, and goes on with it: of two that ask again and again none would come to an end.
    private static string Superseded(ReprovisionStatus status) =>
        status.Detail.Length > 0 ? status.Detail : "nothing is known of it any more";

    private async Task<StatusAnswer> ReadAsync(int target, int attempt, ReprovisionStatus status)
    {
        var answer = Read(target, attempt, status);
        await (answer.State == TargetState.Failed ? places.GiveBackAsync(target) : Task.CompletedTask);
        return answer;
    }

    private StatusAnswer Read(int target, int attempt, ReprovisionStatus status) => status.State switch
    {
        ReprovisionState.UnderWay => new StatusAnswer(target, attempt, TargetState.Running, null, status.Detail, null),
        ReprovisionState.Arrived when !places.HasMoved(status.Overlay) => new StatusAnswer(
            target, attempt, TargetState.Failed, Refused, $"it came back to {status.Overlay}", DataOf(status.Overlay)),
        ReprovisionState.Arrived => new StatusAnswer(
            target, attempt, TargetState.Succeeded, 0, $"it has arrived in {status.Overlay}", DataOf(status.Overlay)),
        _ => new StatusAnswer(target, attempt, TargetState.Failed, Refused, status.Detail, null),
    };

    private static string DataOf(string? overlay) =>
        JsonSerializer.Serialize(new Dictionary<string, string?>(StringComparer.Ordinal) { ["overlay"] = overlay });

    private IInternalNodeGrain NodeOf(int target) => context.Grains.GetGrain<IInternalNodeGrain>(targets.Identities[target]);

    private string NameOf(int attempt) => $"{Order.Job}/{attempt} of {Order.Site}";

    private string Reason
    {
        get
        {
            var said = Order.Spec.Reason.Length > 0 ? $": {Order.Spec.Reason}" : "";
            var reason = $"job {Order.Job} of {Order.Submitter.Principal}{said}";
            return reason.Length <= ReasonCharactersMax ? reason : reason[..ReasonCharactersMax];
        }
    }
}
