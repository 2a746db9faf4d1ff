using ControlPlane.Access;
using ControlPlane.Flow;
using ControlPlane.Jobs;
using ControlPlane.Nodes;
using ControlPlane.Placement;
using ControlPlane.TestKit.Store;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace ControlPlane.Grains.Tests.Jobs;

/// <summary>
/// A job and its parts in overlays, without Orleans: the same decisions and the same work, stored in memory, killed when the test says.
/// </summary>
internal sealed class JobWorld : IDisposable
{
    private readonly FakeTimeProvider time = new(DateTimeOffset.UnixEpoch.AddDays(20_000));
    private readonly Loops loops;
    private readonly JobMeter meter = new();
    private readonly MemoryLog log = new();
    private readonly JobContext context;
    private readonly Dictionary<string, Part> parts = new(StringComparer.Ordinal);
    private readonly JobReceivers receivers;
    private Outbox outbox;

    public JobWorld(JobSpec spec, IReadOnlyDictionary<string, int> overlays, int sendsAtOnce = 200, int? approveAbove = null)
    {
        Rpc = new FakeRpc(time);
        loops = new Loops(time, NullLogger<Loops>.Instance);
        Results = new JobResultLog(log);
        context = new JobContext(
            new Fixed<JobsOptions>(new JobsOptions { SendsAtOnce = sendsAtOnce, ApproveAbove = approveAbove }),
            new Fixed<OverlaysOptions>(new OverlaysOptions()),
            Rpc,
            Nodes.Factory,
            Results,
            new JobDiscovery(Known.Grains, Rpc),
            meter,
            loops,
            time);
        var site = new OverlaysOptions { Local = overlays.Keys.First() };
        receivers = new JobReceivers(
            Receivers,
            Receivers,
            new JobSites(null!, null!, new Fixed<OverlaysOptions>(site)),
            new Fixed<JobsOptions>(new JobsOptions()),
            time);
        outbox = new Outbox(this);
        Job = new JobRecord();
        Change(_ => new JobRecord
        {
            Spec = spec, Submitter = JobSubmitter.Of(Caller.Local), SubmittedAt = Now,
            Overlays = [.. overlays.Keys.Select(overlay => new OverlayShare(overlay))],
        });
        foreach (var (overlay, nodes) in overlays)
        {
            Known.Add(overlay, Enumerable.Range(0, nodes).Select(number => $"{overlay}-{number:0000}"));
            parts[overlay] = new Part(new OverlayTargets
            {
                Order = new OverlayJobOrder("job", overlay, overlays.Keys.First(), spec, Job.Submitter),
                Identities = [.. Enumerable.Range(0, nodes).Select(number => $"{overlay}-{number:0000}")],
                Protocols = [.. Enumerable.Repeat((byte)NodeProtocol.V2, nodes)],
            });
        }
    }

    public JobRecord Job { get; private set; }

    public FakeRpc Rpc { get; }

    /// <summary>Who is heard.</summary>
    public KnownNodes Known { get; } = new();

    /// <summary>What has nodes enrol anew.</summary>
    public EnrollingNodes Nodes { get; } = new();

    public FakeReceivers Receivers { get; } = new();

    /// <summary>How the jobs stand that it comes after.</summary>
    public Dictionary<string, JobState?> After { get; } = new(StringComparer.Ordinal);

    public MemoryLog Log => log;

    public JobResultLog Results { get; }

    public DateTimeOffset Now => time.GetUtcNow();

    /// <summary>What came of all targets, by what overlays said last.</summary>
    public TargetCounts Counts => Job.ToSnapshot("job").Counts;

    public static JobSpec Spec(params JobStage[] stages) =>
        new(new JobAction("puppet", "runonce"), new JobTargets { Query = NodeQuery.All })
        {
            Stages = stages.Length == 0 ? [JobStage.All] : stages,
        };

    /// <summary>Runs the test as a grain runs: one thing at a time.</summary>
    public static Task RunAsync(Func<Task> test) => Task.Factory.StartNew(
        test, CancellationToken.None, TaskCreationOptions.None, new ConcurrentExclusiveSchedulerPair().ExclusiveScheduler).Unwrap();

    public IReadOnlyList<JobTarget> TargetsIn(string overlay) => [.. parts[overlay].Work!.Targets(0).Select(target => target.Target)];

    /// <summary>What was logged of an overlay's targets.</summary>
    public async Task<IReadOnlyList<JobResult>> ResultsAsync(string overlay) => [.. (await Results
        .ReadAsync($"job@{overlay}", 0, TestContext.Current.CancellationToken).ToListAsync()).SelectMany(record => record.Results)];

    /// <summary>The silo that does an overlay's part ends right after a write, before what was to follow it.</summary>
    public void EndAfter(string overlay, Func<OverlayProgress, bool> write) => parts[overlay].Progress.EndsAfter = write;

    /// <summary>The silo that does an overlay's part ends right before a write, after what came before it.</summary>
    public void EndBefore(string overlay, Func<OverlayProgress, bool> write) => parts[overlay].Progress.EndsBefore = write;

    public void Tell(Func<JobRecord, CommandVerdict> command)
    {
        var verdict = command(Job);
        Change(_ => verdict.Job ?? throw new InvalidOperationException(verdict.Detail));
    }

    public void TellIfPossible(Func<JobRecord, CommandVerdict> command) => Change(job => command(job).Job ?? job);

    /// <summary>An overlay hears at once what it may do.</summary>
    public void Allot(string overlay) => parts[overlay].Work!.Follow(Job.Overlays.First(one => one.Overlay == overlay).Allotment);

    /// <summary>The silo of the job ends: nothing that it still does is stored, and another one takes up what is.</summary>
    public void KillJob()
    {
        outbox.IsEnded = true;
        outbox = new Outbox(this);
    }

    /// <summary>Other nodes are meant from now on, for whoever looks.</summary>
    public void Become(string overlay, params string[] nodes) => parts[overlay].Found = nodes;

    /// <summary>The silo that does an overlay's part ends; another one takes up what is stored.</summary>
    public async Task KillAsync(string overlay)
    {
        var part = parts[overlay];
        if (part.Work is not null)
        {
            await part.Work.DisposeAsync();
        }

        part.Progress = new MemoryState<OverlayProgress>(part.Progress.Stored);
        part.Work = new OverlayJobWork($"job@{overlay}", part.Targets, part.Progress, context, _ => { }, NullLogger.Instance);
        await part.Work.BeginAsync(CancellationToken.None);
    }

    /// <summary>One look at everything: what overlays are allotted, what they do, what they say, what follows.</summary>
    public async Task StepAsync(TimeSpan passes = default, params string[] cutOff)
    {
        time.Advance(passes);
        foreach (var (overlay, part) in parts)
        {
            if (part.Work is null)
            {
                await KillAsync(overlay);
            }

            var share = Job.Overlays.First(one => one.Overlay == overlay);
            if (!cutOff.Contains(overlay) && Job.State == JobState.Preparing && part.Targets.Order!.Preparation < Job.Preparation)
            {
                part.FindAnew(Job.Preparation);
                await KillAsync(overlay);
            }

            if (!cutOff.Contains(overlay) && share.Report is { IsPrepared: true })
            {
                part.Work!.Follow(share.Allotment);
            }

            try
            {
                await part.Work!.GoOnAsync();
                await SettleAsync();
            }
            catch (SiloEndedException)
            {
            }

            if (part.Progress.IsEnded)
            {
                await KillAsync(overlay);
            }

            Change(job => cutOff.Contains(overlay) ? job.NotHeard(overlay, Now) : job.Heard(overlay, part.Work!.Report, Now));
        }

        Change(job => job);
        outbox.GoOn();
        await SettleAsync();
    }

    /// <summary>Looks until the job is in a state, with a second between two looks.</summary>
    public async Task UntilAsync(Func<JobRecord, bool> reached, int stepsMax = 1_000)
    {
        for (var steps = 0; !reached(Job); steps++)
        {
            Assert.True(steps < stepsMax, $"after {steps} looks it is {Job.State} ({Job.Reason}): {string.Join(' ', Counts.ByState)}");
            await StepAsync(TimeSpan.FromSeconds(1));
        }
    }

    public Task UntilEndedAsync() => UntilAsync(job => job.IsSettled);

    public void Dispose()
    {
        context.Dispose();
        meter.Dispose();
        loops.Dispose();
    }

    // What was begun by a round goes on behind it, one piece after another; replies come by a thread of the channel's own.
    private async Task SettleAsync()
    {
        do
        {
            for (var turn = 0; turn < 20; turn++)
            {
                await Task.Yield();
            }
        }
        while (Rpc.Unread > 0);
    }

    private void Change(Func<JobRecord, JobRecord> change, GateAnswer? answer = null) =>
        Job = JobDecision.Next(Job, change(Job), new JobFacts(Now, context.Options) { Gate = answer, After = After });

    private sealed class Outbox
    {
        private readonly JobOutbox outbox;

        public Outbox(JobWorld world) => outbox = new JobOutbox(
            "job",
            () => world.Job,
            (change, answer) =>
            {
                if (IsEnded)
                {
                    throw new SiloEndedException();
                }

                world.Change(change, answer);
                return Task.CompletedTask;
            },
            world.receivers,
            world.context,
            NullLogger.Instance);

        public bool IsEnded { get; set; }

        public void GoOn() => outbox.GoOn();
    }

    private sealed class Part(OverlayTargets targets)
    {
        public OverlayTargets Targets { get; private set; } = targets;

        public IReadOnlyList<string> Found { get; set; } = targets.Identities;

        public void FindAnew(int preparation) => Targets = Targets with
        {
            Order = Targets.Order! with { Preparation = preparation },
            Identities = Found,
            Protocols = [.. Enumerable.Repeat((byte)NodeProtocol.V2, Found.Count)],
        };

        public MemoryState<OverlayProgress> Progress { get; set; } = new(new OverlayProgress());

        public OverlayJobWork? Work { get; set; }
    }
}

/// <summary>A silo ends here.</summary>
internal sealed class SiloEndedException : Exception;
