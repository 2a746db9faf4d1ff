using System.Text.Json;
using ControlPlane.Access;
using ControlPlane.Store;
using ControlPlane.TestKit.Stage;

namespace ControlPlane.Grains.Tests.Access;

/// <summary>The schema is a promise: others parse these records years later.</summary>
public sealed class AuditSchemaTests
{
    private static readonly DateTimeOffset Now = new(2026, 11, 30, 12, 0, 0, TimeSpan.Zero);

    private static readonly AuditedCall Call = new(
        "01a22a84cb7174d0842615d4e63819a2",
        new Caller
        {
            Principal = "alice@example.net",
            Method = CallerMethod.Oidc,
            Groups = ["operators"],
            CredentialId = "jti-1",
            Address = "192.0.2.1",
            SecondFactorAt = Now,
            Trace = "0af7",
        },
        new AccessRequest(Permissions.RequestsSign)
        {
            Overlay = "eu-1",
            Node = "web1",
            Plan = "p1",
            Job = "j1",
            Collective = "choria",
            Agent = "puppet",
            Action = "run",
            Targets = 3,
            Reason = "new <disk>",
            Submitter = "bob",
            Operation = "SignRequest",
            Parameters = new Dictionary<string, string> { ["filter"] = "country=uk" },
        },
        new AccessDecision(IsAllowed: true, "rules[2]", "sha256:1", WouldBeDenied: true));

    [Fact]
    public void ARecord_IsWrittenAsTheSchemaSays() => Assert.Equal(
        """
        {"schema":1,"sequence":8,"previous":"f00d","chain":"cp1:11111","id":"01a22a84cb7174d0842615d4e63819a2","kind":"call","at
        ":"2026-11-30T12:00:00+00:00","who":{"principal":"alice@example.net","method":"oidc","groups":["operators"],"credential"
        :"jti-1","address":"192.0.2.1","secondFactorAt":"2026-11-30T12:00:00+00:00"},"permission":"requests.sign","operation":"S
        ignRequest","on":{"overlay":"eu-1","node":"web1","collective":"choria","agent":"puppet","action":"run","targets":3,"plan
        ":"p1","job":"j1"},"parameters":{"filter":"country=uk"},"reason":"new <disk>","submitter":"bob","decision":{"allowed":tr
        ue,"rule":"rules[2]","policy":"sha256:1","wouldBeDenied":true},"trace":"0af7","breakGlass":true}
        """,
        Lines(AuditRecords.Of(Call, Now) with { BreakGlass = true }));

    [Fact]
    public void AnOutcome_SaysWhatItIsAbout_AndNotEverythingAgain() => Assert.Equal(
        """
        {"schema":1,"sequence":8,"previous":"f00d","chain":"cp1:11111","id":"01a22a84cb7174d0842615d4e63819a2","kind":"outcome",
        "at":"2026-11-30T12:00:00+00:00","who":{"principal":"alice@example.net","method":"oidc","address":"192.0.2.1"},"permissi
        on":"requests.sign","operation":"SignRequest","on":{"overlay":"eu-1","node":"web1","collective":"choria","agent":"puppet
        ","action":"run","targets":3,"plan":"p1","job":"j1"},"trace":"0af7","outcome":"202"}
        """,
        Lines(AuditRecords.Of(Call, "202", Now)));

    /// <summary>So that an auditor sees the four eyes: what was asked of the plan, not what the caller says.</summary>
    [Fact]
    public void ARecord_NamesWhoSubmittedWhatIsApproved_AsItWasFound()
    {
        var approval = Call with { Decision = Call.Decision with { Submitter = "olga" } };

        Assert.Equal("olga", AuditRecords.Of(approval, Now).Submitter);
        Assert.Equal("bob", AuditRecords.Of(Call, Now).Submitter);
    }

    [Fact]
    public void ReadOrNull_ReadsWhatWasWritten_AndOfALaterVersionWhatItKnows()
    {
        var record = AuditRecords.Of(Call, Now) with { BreakGlass = true };
        var body = Body(record);

        Assert.Equal(body, Body(AuditRecord.ReadOrNull(body)!));
        Assert.Equal(body, Body(AuditRecord.ReadOrNull(body.Insert(1, "\"later\":[1],"))!));
        Assert.Null(AuditRecord.ReadOrNull("{}"));
        Assert.Null(AuditRecord.ReadOrNull("hello"));
    }

    [Fact]
    public void TheDocument_NamesEveryProperty()
    {
        var document = File.ReadAllText(Path.Combine(RepositoryRoot.Path, "docs/AUDIT.md"));
        var record = AuditRecords.Of(Call, Now) with
        {
            Outcome = "202", Omitted = new AuditOmission("192.0.2.1", 1, Now), BreakGlass = true,
        };
        using var written = JsonDocument.Parse(Body(record));

        var kinds = Enum.GetNames<AuditKind>().Select(JsonNamingPolicy.CamelCase.ConvertName);
        Assert.DoesNotContain(
            NamesIn(written.RootElement).Except(["filter"]).Concat(kinds),
            name => !document.Contains($"`{name}`", StringComparison.Ordinal));
    }

    // In lines of 120 characters, as they stand above.
    private static string Lines(AuditRecord record) =>
        string.Join('\n', Body(record).Chunk(120).Select(line => new string(line)));

    private static string Body(AuditRecord record) => record.After(new ChainHead(7, "f00d"), "cp1:11111").Body;

    private static IEnumerable<string> NamesIn(JsonElement element) => element.ValueKind != JsonValueKind.Object
        ? []
        : element.EnumerateObject().SelectMany(property => NamesIn(property.Value).Prepend(property.Name));
}
