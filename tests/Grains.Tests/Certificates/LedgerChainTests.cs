namespace ControlPlane.Certificates;

public sealed class LedgerChainTests
{
    private static readonly DateTimeOffset Now = new(2026, 11, 23, 12, 0, 0, TimeSpan.Zero);
    private readonly List<LedgerRecord> records = Chain(20);

    private LedgerHead Head => new(records[^1].Sequence, records[^1].Hash);

    [Fact]
    public void Faults_AreNone_WhenNothingWasTouched()
    {
        Assert.Empty(LedgerChain.Faults(records, 0, Head, complete: true));
        Assert.Empty(LedgerChain.Faults([.. records.Take(7)], 0, Head, complete: false));
        Assert.Empty(LedgerChain.Faults([.. records.Skip(7)], 7, Head, complete: true));
        Assert.Empty(LedgerChain.Faults([], 0, LedgerHead.None, complete: true));
    }

    [Fact]
    public void Faults_FindEveryChangeOfEveryRecord()
    {
        for (var index = 0; index < records.Count; index++)
        {
            var touched = records[index];
            var changed = touched with { Body = touched.Body.Replace("\"Issued\"", "\"Closed\"", StringComparison.Ordinal) };
            Assert.NotEmpty(Faults(Replace(index, changed)));

            // With a hash that fits: the next record, or the head, gives it away.
            var forged = LedgerChain.Next(index == 0 ? LedgerHead.None : HeadAt(index - 1), Entry(index) with { Detail = "forged" }, Now);
            Assert.NotEmpty(Faults(Replace(index, forged)));
        }
    }

    [Fact]
    public void Faults_FindEveryRemoval_AndInsertion()
    {
        for (var index = 0; index < records.Count; index++)
        {
            Assert.NotEmpty(Faults([.. records.Where((_, at) => at != index)]));
            Assert.NotEmpty(Faults([.. records.Take(index), records[index], .. records.Skip(index)]));
        }
    }

    [Fact]
    public void Faults_FindEveryTruncation()
    {
        for (var kept = 0; kept < records.Count; kept++)
        {
            Assert.NotEmpty(Faults([.. records.Take(kept)]));
            Assert.True(kept == 0 || Faults([.. records.Skip(kept)]).Count > 0);
        }
    }

    [Fact]
    public void Faults_BearThatTheFarEndIsDropped_OnlyBeyondWhatIsKept()
    {
        var last = Chain(3)[^1];
        var longChain = new LedgerHead(LedgerChain.KeptMin + 10, last.Hash);

        Assert.DoesNotContain(
            LedgerChain.Faults([last with { Sequence = 5 }], 0, longChain, complete: false),
            fault => fault.Contains("before 5 are missing", StringComparison.Ordinal));
        Assert.Contains(
            LedgerChain.Faults([last with { Sequence = 5 }], 0, new LedgerHead(900, last.Hash), complete: false),
            fault => fault.Contains("before 5 are missing", StringComparison.Ordinal));
    }

    [Fact]
    public void Next_SaysWhoWhatWhenWhyAndByWhom_AndNoRequest()
    {
        var request = new CertificateOrderRequest("web1/1", "web1", "east", "node", "SECRET-REQUEST", IssuancePriority.NewNode, Now);

        var body = LedgerChain.Next(LedgerHead.None, Entry(0) with { Request = request, Detail = "why" }, Now).Body;

        Assert.All(
            ["\"node\":\"web0\"", "\"state\":\"Issued\"", "\"issuer\":\"ca\"", "\"serial\":\"0A\"", "\"key\":\"f00d\"",
             "\"request\":\"digest\"",
                "\"detail\":\"why\"", "\"at\":\"2026-11-23", "\"sequence\":1", "\"order\":\"web0/1\""],
            part => Assert.Contains(part, body, StringComparison.Ordinal));
        Assert.DoesNotContain("SECRET", body, StringComparison.Ordinal);
    }

    private IReadOnlyList<string> Faults(IReadOnlyList<LedgerRecord> stored) => LedgerChain.Faults(stored, 0, Head, complete: true);

    private LedgerRecord[] Replace(int index, LedgerRecord record) => [.. records.Select((one, at) => at == index ? record : one)];

    private LedgerHead HeadAt(int index) => new(records[index].Sequence, records[index].Hash);

    private static List<LedgerRecord> Chain(int count)
    {
        var chain = new List<LedgerRecord>();
        var head = LedgerHead.None;
        for (var number = 0; number < count; number++)
        {
            chain.Add(LedgerChain.Next(head, Entry(number), Now.AddSeconds(number)));
            head = new LedgerHead(chain[^1].Sequence, chain[^1].Hash);
        }

        return chain;
    }

    private static LedgerEntry Entry(int number) => new(
        "ca",
        $"web{number}/1",
        $"web{number}",
        LedgerState.Issued,
        "digest",
        Now,
        new IssuedCertificate($"web{number}/1", "ca", "0A", "pem", "chain", Now, Now.AddDays(1), "f00d"),
        RevocationReason: null,
        Detail: null,
        Version: 1);
}
