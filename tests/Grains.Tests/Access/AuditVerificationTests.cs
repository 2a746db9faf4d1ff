using ControlPlane.Access;
using ControlPlane.Store;
using ControlPlane.TestKit.Access;
using ControlPlane.TestKit.Store;
using Microsoft.Extensions.Time.Testing;

namespace ControlPlane.Grains.Tests.Access;

/// <summary>Each way of tampering is found, in a log of two silos whose checkpoints are signed.</summary>
public sealed class AuditVerificationTests : IAsyncLifetime
{
    private readonly FakeTimeProvider time = new(new DateTimeOffset(2026, 11, 30, 12, 0, 0, TimeSpan.Zero));
    private readonly MemoryLog log = new();
    private readonly KeySigner signer = new();
    private List<AuditLine> lines = [];

    public async ValueTask InitializeAsync()
    {
        using var one = new AuditSilo(log, "one", signer: signer, time: time);
        using var two = new AuditSilo(log, "two", signer: signer, time: time);
        for (var minute = 0; minute < 3; minute++)
        {
            foreach (var (number, silo) in new[] { one, two, one }.Index())
            {
                await silo.BeginAsync($"web{minute}-{number}");
            }

            await one.CheckpointAsync();
            await two.CheckpointAsync();
            time.Advance(TimeSpan.FromMinutes(1));
        }

        lines = [.. await log.LinesAsync(TestContext.Current.CancellationToken)];
    }

    public ValueTask DisposeAsync()
    {
        signer.Dispose();
        return default;
    }

    [Fact]
    public void Finish_FindsNothing_InAWholeLog()
    {
        var findings = lines.Verify(time.GetUtcNow(), signer.PublicKey);

        Assert.Empty(findings.Faults);
        Assert.Equal((9, 6, 0, 0), (findings.Records, findings.Checkpoint, findings.Unsigned, findings.Uncovered));
        Assert.Equal(["one", "two"], findings.Chains);
        Assert.Equal([signer.PublicKey], findings.Keys);
    }

    [Fact]
    public void Add_FindsARecordThatWasChanged_AlsoWhenItsHashWas()
    {
        var changed = lines[2] with { Body = lines[2].Body.Replace("alice", "mallory", StringComparison.Ordinal) };

        Assert.Contains("one: record 2 was changed", With(2, changed).Verify().Faults);
        var faults = With(2, changed with { Hash = HashChain.HashOf(changed.Body) }).Verify().Faults;
        Assert.Contains("one: record 3 does not follow the one before it", faults);
        Assert.Contains("one: record 2 is not the one that checkpoint 1 names", faults);
    }

    [Fact]
    public void Add_FindsARecordThatWasRemoved()
    {
        var faults = lines.Where((_, index) => index != 5).Verify().Faults;

        Assert.Contains("one: the records between 2 and 4 are missing", faults);
        Assert.Contains("the log holds nothing between 5 and 7", faults);
    }

    [Fact]
    public void Add_FindsARecordThatWasInserted()
    {
        var copy = lines.ToList();
        copy.Insert(3, lines[2]);

        Assert.Contains("one: record 2 does not follow the one before it", copy.Verify().Faults);
    }

    [Fact]
    public void Add_FindsRecordsInAnotherOrder()
    {
        var copy = lines.ToList();
        (copy[0], copy[2]) = (copy[2], copy[0]);

        Assert.NotEmpty(copy.Verify().Faults);
        Assert.Contains("one: record 1 does not follow the one before it", copy.Verify().Faults);
    }

    [Fact]
    public void Add_FindsThatTheEndOfAChainWasCutOff()
    {
        // The checkpoints stay, and the positions are mended.
        var cut = lines.Where(line => !(line.Topic == "silo/two" && line.Body.Contains("web2-1", StringComparison.Ordinal)))
            .Index().Select(one => one.Item with { Position = (ulong)one.Index + 1 });

        Assert.Contains(cut.Verify().Faults, fault => fault.StartsWith("two: the end is cut off after 2", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Add_FindsThatAWholeChainIsMissing_UnlessItMayBeOlderThanWhatIsKept()
    {
        Assert.Empty(Without("two").Verify().Faults);

        time.Advance(TimeSpan.FromMinutes(10));
        using var two = new AuditSilo(log, "two", signer: signer, time: time);
        await two.BeginAsync("web-late");
        await two.CheckpointAsync();
        lines = [.. await log.LinesAsync(TestContext.Current.CancellationToken)];

        Assert.Contains(
            Without("two").Verify().Faults, fault => fault.StartsWith("two: its records up to 4 are missing", StringComparison.Ordinal));
    }

    [Fact]
    public void Finish_FindsThatTheEndOfAllWasCutOff_ByItsAge()
    {
        var cut = lines.Take(5).ToList();

        Assert.Empty(cut.Verify().Faults);
        Assert.Contains(
            cut.Verify(time.GetUtcNow().AddMinutes(5)).Faults,
            fault => fault.Contains("may have been cut off", StringComparison.Ordinal));
    }

    [Fact]
    public void Add_FindsASignatureOfAnotherKey_AndNone()
    {
        using var other = new KeySigner();

        Assert.Contains(lines.Verify(null, other.PublicKey).Faults, fault => fault.Contains("not trusted", StringComparison.Ordinal));
        var index = lines.FindIndex(line => line.Topic == "checkpoints");
        var stripped = lines[index].Body[..lines[index].Body.IndexOf(",\"key\"", StringComparison.Ordinal)] + "}";
        var unsigned = With(index, lines[index] with { Body = stripped, Hash = HashChain.HashOf(stripped) });
        var faults = unsigned.Verify(null, signer.PublicKey).Faults;
        Assert.Contains("checkpoints: record 1 is not signed", faults);
    }

    [Fact]
    public void Add_FindsASignatureThatWasTakenFromAnotherCheckpoint()
    {
        var checkpoints = lines.Where(line => line.Topic == "checkpoints").ToList();
        var first = AuditCheckpoint.ReadOrNull(checkpoints[0].Body)!;
        var second = AuditCheckpoint.ReadOrNull(checkpoints[1].Body)!;
        var body = checkpoints[1].Body.Replace(second.Signature!, first.Signature!, StringComparison.Ordinal);

        var forged = checkpoints[1] with { Body = body, Hash = HashChain.HashOf(body) };
        var faults = With(lines.IndexOf(checkpoints[1]), forged).Verify().Faults;
        Assert.Contains("checkpoints: the signature of record 2 is wrong", faults);
    }

    [Fact]
    public async Task WriteAsync_SaysWhatIsMissing_WhenTheWholeLogWasRolledBack()
    {
        using var silo = new AuditSilo(log, "one", signer: signer, time: time);
        await silo.BeginAsync("web-a");
        await silo.CheckpointAsync();
        await silo.BeginAsync("web-b");
        await silo.CheckpointAsync();

        // The last two records and checkpoints go, as if there had never been any; the silo knows better.
        log.LoseEnd(3);
        await silo.CheckpointAsync();

        var faults = (await log.LinesAsync(TestContext.Current.CancellationToken)).Verify().Faults;
        Assert.Contains(faults, fault => fault.StartsWith("checkpoints: the records between", StringComparison.Ordinal));
        Assert.Contains(faults, fault => fault.StartsWith("one: the end is cut off", StringComparison.Ordinal));
    }

    [Fact]
    public void Add_FindsWhatIsNoRecord()
    {
        var faults = With(1, lines[1] with { Body = "hello", Hash = "" }).Verify().Faults;

        Assert.Contains("silo/two: what is at 2 of the log is no record", faults);
    }

    private IEnumerable<AuditLine> Without(string chain) =>
        lines.Where(line => line.Topic != $"silo/{chain}").Index().Select(one => one.Item with { Position = (ulong)one.Index + 1 });

    private List<AuditLine> With(int index, AuditLine line)
    {
        var copy = lines.ToList();
        copy[index] = line;
        return copy;
    }
}
