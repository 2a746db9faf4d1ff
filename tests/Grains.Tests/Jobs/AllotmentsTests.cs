using ControlPlane.Jobs;
using CsCheck;

namespace ControlPlane.Grains.Tests.Jobs;

/// <summary>What overlays may do, by what they confirm and say.</summary>
public sealed class AllotmentsTests
{
    private const int Nodes = 40;

    private static readonly DateTimeOffset Now = DateTimeOffset.UnixEpoch.AddDays(20_000);

    [Fact]
    public void APausedOverlay_KeepsItsPart_UntilItHasConfirmed_AndItsNodesHaveEnded()
    {
        var (a, b) = (new Part("a"), new Part("b"));
        var job = Say(Say(Started(limit: 10, a, b), a), b);
        Assert.Equal((5, 5), (Concurrency(job, 0), Concurrency(job, 1)));
        a.Working = b.Working = 5;
        job = Say(Say(job, a), b);

        job = Allotments.Allot(job with { Overlays = [job.Overlays[0], job.Overlays[1] with { PausedBecause = "failures" }] });
        Assert.True(job.Overlays[1].Allotment.IsHeld);
        Assert.Equal(5, Concurrency(job, 0));
        b.Working = 2;
        Assert.Equal(5, Concurrency(job = Say(job, b, confirms: false), 0));
        Assert.Equal(8, Concurrency(job = Say(job, b), 0));
        b.Working = 0;
        Assert.Equal(10, Concurrency(Say(job, b), 0));
    }

    [Fact]
    public void AnOverlay_HasNoMoreThanTheStageAllowsEach()
    {
        var job = Started(limit: 100, new Part("a"), new Part("b"));
        var spec = JobWorld.Spec(JobStage.All with { Concurrency = 100, ConcurrencyPerOverlay = 15 });
        job = Allotments.Allot(job with { Spec = spec, Overlays = [job.Overlays[0], job.Overlays[1] with { PausedBecause = "failures" }] });
        Assert.Equal(15, Concurrency(job, 0));
    }

    [Fact]
    public void WhatIsCutFromOne_IsGivenToAnother_WhenThatIsConfirmed()
    {
        var (a, b) = (new Part("a"), new Part("b"));
        var job = Say(Say(Started(limit: 10, a, b), a), b);
        b.Left = 0;
        b.Working = 0;
        job = Say(job, b);
        Assert.Equal(10, Concurrency(job, 0));
        job = Say(job, a);
        a.Working = 10;
        job = Say(job, a);

        // Somebody has b's targets tried again.
        b.Left = Nodes;
        job = Say(Allotments.Allot(job with { Retries = 1 }), b);
        Assert.Equal((5, 0), (Concurrency(job, 0), Concurrency(job, 1)));
        a.Working = 7;
        job = Say(job, a);
        Assert.Equal((5, 3), (Concurrency(job, 0), Concurrency(job, 1)));
    }

    [Fact]
    public void AnOverlayThatIsLost_HoldsNobodyUp()
    {
        var (a, b) = (new Part("a"), new Part("b"));
        var job = Say(Say(Started(limit: 1, a, b), a), b);
        Assert.Equal((1, 0), (Concurrency(job, 0), Concurrency(job, 1)));
        a.Working = 1;
        job = Say(job, a).NotHeard("a", Now);
        job = Allotments.Allot(job with { Overlays = [job.Overlays[0] with { PausedBecause = "it is cut off" }, job.Overlays[1]] });
        Assert.Equal(0, Concurrency(job, 1));
        Assert.Equal(1, Concurrency(Allotments.Allot(job.WithLost(Now.AddMinutes(5))), 1));
    }

    // Whenever allotments come, and whatever overlays say late.
    [Fact]
    public void NoMoreNodesWork_ThanTheStageAllows() =>
        Gen.Select(Gen.Int[1, 4], Gen.Int[1, 20], Gen.Int[0, 1_000_000]).Sample(Run, iter: 2_000);

    private static void Run(int overlays, int limit, int seed)
    {
        var random = new Random(seed);
        Part[] parts = [.. Enumerable.Range(0, overlays).Select(number => new Part($"{(char)('a' + number)}"))];
        Queue<OverlayReport>[] said = [.. parts.Select(_ => new Queue<OverlayReport>())];
        var job = Started(limit, parts);
        for (var step = 0; step < 300; step++)
        {
            var number = random.Next(overlays);
            var (part, share) = (parts[number], job.Overlays[number]);
            switch (random.Next(7))
            {
                case 0:
                    part.Allotment = share.Allotment;
                    break;
                case 1 or 2 when !part.Allotment.IsHeld && part.Working < part.Allotment.Concurrency && part.Left > 0:
                    (part.Working, part.Left) = (part.Working + 1, part.Left - 1);
                    break;
                case 3 when part.Working > 0:
                    part.Working--;
                    break;
                case 4:
                    said[number].Enqueue(part.Report());
                    break;
                case 5 when said[number].TryDequeue(out var report):
                    job = Allotments.Allot(job.Heard(part.Overlay, report, Now));
                    break;
                case 6 when random.Next(5) == 0:
                    var paused = share with { PausedBecause = share.PausedBecause is null ? "failures" : null };
                    job = Allotments.Allot(job with { Overlays = [.. job.Overlays.Select(one => one == share ? paused : one)] });
                    break;
            }

            Assert.True(parts.Sum(one => one.Working) <= limit, $"{parts.Sum(one => one.Working)} of {limit} work");
        }
    }

    private static int Concurrency(JobRecord job, int overlay) => job.Overlays[overlay].Allotment.Concurrency;

    private static JobRecord Say(JobRecord job, Part part, bool confirms = true)
    {
        part.Allotment = confirms ? job.Overlays.First(share => share.Overlay == part.Overlay).Allotment : part.Allotment;
        return Allotments.Allot(job.Heard(part.Overlay, part.Report(), Now));
    }

    private static JobRecord Started(int limit, params Part[] parts) => Allotments.Allot(new JobRecord
    {
        Spec = JobWorld.Spec(new JobStage("all", "100%") { Concurrency = limit }),
        State = JobState.Running,
        StartedAt = Now,
        Overlays = [.. parts.Select(part => new OverlayShare(part.Overlay) { Ends = [Nodes], Report = part.Report() })],
    });

    /// <summary>An overlay that begins and ends what it likes, within what it was told.</summary>
    private sealed class Part(string overlay)
    {
        private int version;

        public string Overlay => overlay;

        public Allotment Allotment { get; set; } = Allotment.None;

        public int Left { get; set; } = Nodes;

        public int Working { get; set; }

        public OverlayReport Report()
        {
            var counts = new int[TargetCounts.None.ByState.Count];
            (counts[(int)TargetState.Pending], counts[(int)TargetState.Dispatched]) = (Left, Working);
            counts[(int)TargetState.Succeeded] = Nodes - Left - Working;
            return new OverlayReport
            {
                Version = ++version,
                Allotment = Allotment.Number,
                IsPrepared = true,
                Targets = Nodes,
                Stages = [new TargetCounts { ByState = counts }, TargetCounts.None],
                IsAtRest = Allotment.Number > 0 && Left == 0 && Working == 0,
            };
        }
    }
}
