namespace ControlPlane.Adapters.Choria.Tests;

using System.Text.Json.Nodes;

/// <summary>What Choria's broker overlooks and a broker of ours does not; each of these log-ins gets into Choria's.</summary>
public sealed class BrokerLeniencyTests
{
    private static readonly string[] Overlooked =
    [
        "D-client-noexp", "D-client-tcs-garbage", "D-chainissuer-badtcs", "P-nosig", "P-wrongsig", "P-padsig", "P-tokenonly", "P-nocaller",
        "P-nokey", "U-purposeless",
    ];

    /// <summary>A broker of ours is stricter, never laxer.</summary>
    [Fact]
    public void Judge_RefusesExactlyWhatChoriaOverlooks_WhenItIsLenientInNothing()
    {
        var lines = CapturedBrokers.Lines("connect").ToList();
        var changed = lines.Where(line => IsAdmitted(line, BrokerLeniency.OfChoria) != IsAdmitted(line, BrokerLeniency.None));

        Assert.Equal(Overlooked.Order(), changed.Select(line => (string)line["id"]!).Distinct().Order());
        Assert.DoesNotContain(lines, line => (string)line["answer"]! == "refused" && IsAdmitted(line, BrokerLeniency.None));
    }

    [Fact]
    public void Shown_LeavesOutWhatWouldWriteLinesOfItsOwnInALog()
    {
        Assert.Equal("up=bob", BrokerText.Shown("up=bob"));
        Assert.Equal("(not shown)", BrokerText.Shown("bob\nerror: forged"));
        Assert.Equal("(not shown)", BrokerText.Shown(new string('x', 129)));
    }

    [Fact]
    public void ToString_HoldsNoSecrets()
    {
        var logIn = new BrokerLogIn(LogInTls.WithoutCertificate, "t0ken", "s1g", "n", "u", "passw0rd");
        var texts = $"{CapturedBrokers.Settings["v2"]} {logIn}";
        string[] secrets = ["provS3cret", "sysS3cret", "t0ken", "s1g", "passw0rd"];

        Assert.All(secrets, secret => Assert.DoesNotContain(secret, texts, StringComparison.Ordinal));
    }

    private static bool IsAdmitted(JsonNode line, BrokerLeniency leniency) =>
        BrokerDecision.Judge(
            CapturedBrokers.Settings[(string)line["mode"]!] with { Leniency = leniency },
            CapturedBrokers.LogIn(line["fields"]!, (string)line["tls"]!, (string?)line["nonce"]),
            CapturedBrokers.Now) is BrokerVerdict.Admitted;
}
