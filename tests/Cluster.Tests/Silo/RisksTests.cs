using ControlPlane.Configuration;
using Microsoft.Extensions.Configuration;

namespace ControlPlane.Cluster.Tests.Silo;

/// <summary>What stands open is refused until an operator names it.</summary>
public sealed class RisksTests
{
    public static readonly TheoryData<string, string, string> Open = new()
    {
        { Risks.ApiWithoutTls, "Api:Listen:0", "http://10.0.0.1:8780" },
        { Risks.ApiWithoutTls, "Api:Listen:0", "http://0.0.0.0:8780" },
        { Risks.HealthWithoutTls, "Health:Listen:0", "http://0.0.0.0:8781" },
        { Risks.NatsWithoutTls, "Fleet:Provisioning:Urls:0", "nats://broker1.example.net:4222" },
        { Risks.NatsWithoutTls, "Fleet:Overlays:eu-1:Urls:0", "nats://10.0.0.1:4222" },
        { Risks.RedisWithoutPassword, "Redis:Endpoints:0", "redis1.example.net:6379" },
        { Risks.RedisWithoutTls, "Redis:Endpoints:0", "10.0.0.1:6379" },
    };

    public static readonly TheoryData<string, string> Closed = new()
    {
        { "Api:Listen:0", "https://10.0.0.1:8780" },
        { "Api:Listen:0", "http://[::1]:8780" },
        { "Health:Listen:0", "http://127.0.0.1:8781" },
        { "Fleet:Provisioning:Urls:0", "nats://localhost:4222" },
        { "Fleet:Overlays:eu-1:Urls:0", "nats://127.0.0.1:4222" },
        { "Redis:Endpoints:0", "localhost:6379" },
    };

    [Theory]
    [MemberData(nameof(Open))]
    public void ARisk_IsAFault_UntilItIsAcceptedByName(string risk, string key, string value)
    {
        var faults = Risks.Faults(Configuration((key, value))).ToList();

        Assert.Contains(faults, fault => fault.Detail.EndsWith($"add {risk} to Risks:Accepted", StringComparison.Ordinal));

        var names = faults.Select(fault => fault.Detail.Split(' ')[^3]).Index().Select(one => ($"Risks:Accepted:{one.Index}", one.Item));
        Assert.Empty(Risks.Faults(Configuration([(key, value), .. names])));
    }

    [Theory]
    [MemberData(nameof(Closed))]
    public void WhatOnlyThisMachineReaches_OrIsEncrypted_IsNoRisk(string key, string value) =>
        Assert.Empty(Risks.Faults(Configuration((key, value))));

    /// <summary>Sites that ask each other beyond this machine know one another by keys.</summary>
    [Fact]
    public void ARegionOfSeveralSites_NeedsKeys()
    {
        (string, string)[] region =
        [
            ("Overlays:Local", "eu-1"), ("Overlays:Members:eu-1:Brokers:0", "nats://a:4222"),
            ("Overlays:Members:eu-2:Brokers:0", "nats://b:4222"),
            ("Fleet:Overlays:eu-2:Urls:0", "nats://10.0.0.1:4222"), ("Fleet:Overlays:eu-2:Tls", "true"),
            ("Access:Audit:Folder", "/var/lib/controlplane/audit"),
        ];
        Assert.Equal(["Sites:SeedFile"], Risks.Faults(Configuration(region)).Select(fault => fault.Key));

        Assert.Empty(Risks.Faults(Configuration([.. region, ("Risks:Accepted:0", Risks.SitesWithoutKeys)])));
        Assert.Empty(Risks.Faults(Configuration([.. region, ("Sites:SeedFile", "/etc/controlplane/site.seed")])));
        Assert.Empty(Risks.Faults(Configuration([.. region, ("Overlays:Members:eu-2:ServedBy", "eu-1")])));
        Assert.Empty(Risks.Faults(Configuration([.. region[..3], ("Fleet:Overlays:eu-2:Urls:0", "nats://127.0.0.1:4222")])));
    }

    /// <summary>Brokers acknowledge before they have synced.</summary>
    [Fact]
    public void RecordsOfCalls_OnBrokersOfOtherMachines_AreSynced()
    {
        (string, string)[] brokers = [("Fleet:Overlays:eu-1:Urls:0", "nats://10.0.0.1:4222"), ("Fleet:Overlays:eu-1:Tls", "true")];
        Assert.Equal(["Access:Audit:Folder"], KeysOf(brokers));

        Assert.Equal(["Access:Audit:Folder"], KeysOf([.. brokers, ("Fleet:StateReplicas", "3")]));
        Assert.Empty(KeysOf([.. brokers, ("Fleet:StateReplicas", "3"), ("Access:Audit:BrokerSyncsAlways", "true")]));
        Assert.Empty(KeysOf([.. brokers, ("Access:Audit:Folder", "/var/lib/controlplane/audit")]));
        Assert.Empty(KeysOf([.. brokers, ("Risks:Accepted:0", Risks.AuditWithoutSync)]));

        static IEnumerable<string> KeysOf((string, string)[] settings) =>
            Risks.Faults(Configuration(settings)).Select(fault => fault.Key);
    }

    [Fact]
    public void AnAcceptedName_ThatIsNoRisk_IsAFault() =>
        Assert.Equal("Risks:Accepted:0", Assert.Single(Risks.Faults(Configuration(("Risks:Accepted:0", "everything")))).Key);

    [Fact]
    public void EveryRisk_IsExplained_ToOperators()
    {
        var text = File.ReadAllText(Path.Combine(Repository.Root, "docs", "SECURITY.md"));

        Assert.All(Risks.Names, name => Assert.Contains($"`{name}`", text, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("Access:Tokens:Files:0")]
    [InlineData("Fleet:ServerTokenSeedFile")]
    [InlineData("Fleet:SharedSecretFile")]
    [InlineData("Fleet:Overlays:eu-1:PasswordFile")]
    [InlineData("Fleet:CallerProof:KeyFile")]
    [InlineData("Redis:PasswordFile")]
    [InlineData("Vault:main:TokenFile")]
    [InlineData("Vault:main:SecretIdFile")]
    [InlineData("Cfssl:main:AuthKeyFile")]
    [InlineData("LocalCa:main:KeyPath")]
    [InlineData("Silo:SecretFile")]
    [InlineData("Silo:Tls:KeyFile")]
    [InlineData("Sites:SeedFile")]
    public void ASecret_IsForItsOwnerAlone_OrItsGroupToRead(string key)
    {
        var path = Path.GetTempFileName();
        try
        {
            Assert.Empty(SecretFiles.Faults(Configuration((key, path))));
            File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead);
            Assert.Empty(SecretFiles.Faults(Configuration((key, path))));

            foreach (var more in new[] { UnixFileMode.OtherRead, UnixFileMode.OtherWrite, UnixFileMode.GroupWrite })
            {
                File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | more);
                var fault = Assert.Single(SecretFiles.Faults(Configuration((key, path))));
                Assert.Equal(key, fault.Key);
                Assert.Contains($"'{path}' has mode 06", fault.Detail, StringComparison.Ordinal);
            }
        }
        finally
        {
            File.Delete(path);
        }
    }

    private static IConfiguration Configuration(params (string Key, string Value)[] settings) => new ConfigurationBuilder()
        .AddInMemoryCollection(settings.Append(("Fleet:Provisioning:Tls", "false")).Append(("Fleet:Overlays:eu-1:Tls", "false"))
            .DistinctBy(one => one.Item1).ToDictionary(one => one.Item1, one => (string?)one.Item2))
        .Build();
}
