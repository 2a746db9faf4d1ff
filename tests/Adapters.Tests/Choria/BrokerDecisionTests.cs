namespace ControlPlane.Adapters.Choria.Tests;

using System.Text.Json.Nodes;

/// <summary>The decision against what Choria's broker decided, line by line: who gets in, and who may publish and subscribe what.</summary>
public sealed class BrokerDecisionTests
{
    private const int LogIns = 828;
    private const int Probes = 11_076;
    private const int CapabilityProbes = 741;
    private const int InboxProbes = 90;
    private const int Publications = 24;

    [Fact]
    public void Judge_DecidesEveryLogIn_AsChoriasBrokerDid()
    {
        var lines = CapturedBrokers.Lines("connect").ToList();

        Assert.Equal(LogIns, lines.Count);
        Assert.Empty(lines.Select(LogInFault).OfType<string>());
    }

    [Fact]
    public void Judge_GrantsEverySubject_AsChoriasBrokerDid()
    {
        var lines = CapturedBrokers.Lines("permissions").ToLookup(line => (string?)line["op"] == "definition");
        var rights = lines[true].ToDictionary(Name, line => Rights(CapturedBrokers.Verdict(line)));

        Assert.Equal(Probes, lines[false].Count());
        AssertNone(lines[false], line => Allows(rights[Name(line)], (string)line["op"]!, line) != (bool)line["allowed"]!);
    }

    [Fact]
    public void Judge_GrantsWhatRealWorkNeeds_AsChoriasBrokerDid()
    {
        var lines = CapturedBrokers.Lines("capabilities").ToLookup(line => (string?)line["step"] == "definition");
        var rights = lines[true].ToDictionary(Name, line => Rights(CapturedBrokers.Verdict(WithCertificate(line))));
        var probes = lines[false].Where(line => line["subject"] is not null && (string)line["step"]! != "KV watch delivers").ToList();

        Assert.Equal(CapabilityProbes, probes.Count);
        AssertNone(probes, line => Allows(rights[Name(line)], Verb((string)line["step"]!), line) == ((string)line["result"]! == "denied"));
    }

    [Fact]
    public void Judge_GrantsInboxes_AsChoriasBrokerDid()
    {
        var lines = CapturedBrokers.Lines("visibility").Where(line => line["inbox_prefix_identity"] is not null).ToList();

        Assert.Equal(InboxProbes, lines.Count);
        AssertNone(lines, line => (bool)line["allowed"]!
            != RightsOf((string)line["inbox_prefix_identity"]!, (string)line["hash_of"]!).MaySubscribe((string)line["subject"]!));
    }

    [Fact]
    public void Judge_GrantsPublishing_AsChoriasBrokerDid()
    {
        var lines = CapturedBrokers.Lines("visibility").Where(line => line["publisher"] is not null).ToList();

        Assert.Equal(Publications, lines.Count);
        AssertNone(lines, line => RightsOf((string)line["publisher"]!, "x").MayPublish((string)line["subject"]!) == (bool)line["denied"]!);
    }

    /// <summary>Who subscribes to more than a list denies gets what is left, silently.</summary>
    [Theory]
    [InlineData("v2ca")]
    [InlineData("v1sign")]
    public void Judge_LeavesOutWhatIsDenied_AsChoriasBrokerDid(string mode)
    {
        var line = CapturedBrokers.Lines("visibility")
            .Single(line => line["deny_list_delivery"] is not null && (string?)line["mode"] == mode);
        var logIn = new BrokerLogIn(LogInTls.WithTrustedCertificate);
        var rights = Rights(BrokerDecision.Judge(CapturedBrokers.Settings[mode], logIn, CapturedBrokers.Now));

        Assert.True(rights.MaySubscribe(">"));
        Assert.Equal(Texts(line["received"]!), Texts(line["published"]!).Where(rights.MaySubscribe));
    }

    private static void AssertNone(IEnumerable<JsonNode> lines, Func<JsonNode, bool> isDecidedOtherwise) =>
        Assert.Empty(lines.Where(isDecidedOtherwise).Select(line => line.ToJsonString()));

    private static IEnumerable<string> Texts(JsonNode list) => list.AsArray().Select(text => (string)text!).Order(StringComparer.Ordinal);

    private static string? LogInFault(JsonNode line)
    {
        var logIn = CapturedBrokers.LogIn(line["fields"]!, (string)line["tls"]!, (string?)line["nonce"]);
        var verdict = BrokerDecision.Judge(CapturedBrokers.Settings[(string)line["mode"]!], logIn, CapturedBrokers.Now);
        var log = line["log"]!.AsArray().Select(entry => (string)entry!["msg"]!).ToList();
        var same = ((string)line["answer"]!, verdict) switch
        {
            ("accepted", BrokerVerdict.Admitted admitted) => admitted.Account == (string?)line["account"]
                && admitted.User == (string?)line["registered_user"] && HasLists(log, admitted.Rights),
            ("refused", BrokerVerdict.Refused refused) => log.Any(entry => entry.Contains(refused.Reason, StringComparison.Ordinal))
                && CauseOf(log) == refused.Cause,
            _ => false,
        };
        return same ? null : $"{line["mode"]} {line["id"]}: {verdict} for {line["answer"]} {line["account"]} {line["registered_user"]}";
    }

    // Of clients the broker logs what it grants, in order.
    private static bool HasLists(List<string> log, SubjectRights rights)
    {
        var lists = log.Where(entry => entry.Contains("SubjectPermission", StringComparison.Ordinal)).ToList();
        return lists.Count == 0
            || (lists.Exists(list => list.Contains($"sub permissions: {Shown(rights.SubscribeAllow!)}", StringComparison.Ordinal))
                && lists.Exists(list => list.Contains($"pub permissions: {Shown(rights.PublishAllow!)}", StringComparison.Ordinal)));
    }

    private static string Shown(IReadOnlyList<string> allow)
    {
        var subjects = string.Join(", ", allow.Select(subject => $"\"{subject}\""));
        return $$"""&server.SubjectPermission{Allow:[]string{{{subjects}}}, Deny:[]string(nil)}""";
    }

    private static string? CauseOf(List<string> log)
    {
        foreach (var prefix in (string[])["could not parse JWT from 127.0.0.1:PORT: ", "nonce signature verification failed: "])
        {
            if (log.Find(entry => entry.StartsWith(prefix, StringComparison.Ordinal)) is { } cause)
            {
                return cause[prefix.Length..];
            }
        }

        return null;
    }

    private static string Name(JsonNode line) => $"{line["mode"]} {line["identity"]}";

    private static string Verb(string step) => step.Contains("subscribe", StringComparison.Ordinal) ? "sub" : "pub";

    private static bool Allows(SubjectRights rights, string verb, JsonNode line) =>
        verb == "sub" ? rights.MaySubscribe((string)line["subject"]!) : rights.MayPublish((string)line["subject"]!);

    private static SubjectRights Rights(BrokerVerdict verdict) => Assert.IsType<BrokerVerdict.Admitted>(verdict).Rights;

    private static JsonNode WithCertificate(JsonNode line)
    {
        line["client_certificate"] = ((string)line["identity"]!).Contains("mtls", StringComparison.Ordinal) ? "bob" : null;
        return line;
    }

    // The parties of visibility.jsonl, by the names that it gives them.
    private static SubjectRights RightsOf(string party, string name) => party switch
    {
        "client up=bob" => BrokerRights.Client(new ClientClaims { CallerId = name }),
        "client org_admin" or "client acme org_admin" => BrokerRights.Client(
            new ClientClaims { CallerId = name, Permissions = new ClientPermissions { OrganizationAdmin = true } }),
        "server node1" => BrokerRights.Node(
            new ServerClaims { Identity = name, Collectives = ["mcollective"], Permissions = new ServerPermissions(Submission: true) }),
        "provisioner" => SubjectRights.All,
        "unprovisioned" or "unprovisioned A" => BrokerRights.UnprovisionedNode,
        _ => throw new ArgumentOutOfRangeException(nameof(party), party, "the capture has a party that this test does not know"),
    };
}
