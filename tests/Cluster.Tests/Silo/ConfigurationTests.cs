using ControlPlane.Access;
using ControlPlane.Adapters.Fleet;
using ControlPlane.Commands;
using ControlPlane.Configuration;
using Microsoft.Extensions.Configuration;

namespace ControlPlane.Cluster.Tests.Silo;

public sealed class ConfigurationTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("controlplane-configuration-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Read_FlattensYaml_WithTheLineOfEachKey()
    {
        var file = ConfigurationFile.Read(Write("""
            # where we are
            Overlays:
              Region: eu
              Members:
                eu-1:
                  Collectives: [mcollective, other]
                  Configuration:
                    plugin.choria.stats_port: 8222
                  ActionPolicies:
                    default.policy: |
                      policy default deny
                      allow all
            """));

        Assert.Equal("eu", file.Values["overlays:region"]);
        Assert.Equal("other", file.Values["Overlays:Members:eu-1:Collectives:1"]);
        Assert.Equal("8222", file.Values["Overlays:Members:eu-1:Configuration:plugin.choria.stats_port"]);
        Assert.Equal("policy default deny\nallow all", file.Values["Overlays:Members:eu-1:ActionPolicies:default.policy"]?.TrimEnd());
        Assert.Equal(6, file.LineOf("Overlays:Members:eu-1:Collectives"));
        Assert.Null(file.LineOf("Overlays:Local"));
    }

    [Fact]
    public void Read_TakesJson_WithTabs()
    {
        const string Text = "{\n\t\"Redis\": {\n\t\t\"Endpoints\": [\"127.0.0.1:6379\"],\n\t\t\"Tls\": true\n\t}\n}\n";

        var file = ConfigurationFile.Read(Write(Text, "c.json"));

        Assert.Equal("127.0.0.1:6379", file.Values["Redis:Endpoints:0"]);
        Assert.Equal(4, file.LineOf("Redis:Tls"));
    }

    [Fact]
    public void Read_TakesWhatIsEmpty_AsNotGiven()
    {
        var file = ConfigurationFile.Read(Write("Redis:\n  User:\n  PasswordFile: ~\n  Endpoints: []\nSilo:\n"));

        Assert.Empty(file.Values);
        Assert.Empty(ConfigurationFile.Read(Write("")).Values);
        Assert.Equal("", ConfigurationFile.Read(Write("Redis: {User: \"\"}")).Values["Redis:User"]);
    }

    [Fact]
    public void Copy_KeepsASettingThatIsTheEmptyText()
    {
        var host = new ConfigurationManager();

        ConfigurationSources.Copy(ConfigurationSources.Read(Write("Fleet: {Provisioning: {StreamName: \"\"}}")), host);

        Assert.Equal("", host.GetSection("Fleet").Get<FleetOptions>()!.Provisioning!.StreamName);
    }

    [Theory]
    [InlineData("Redis:\n  Tls: [true\nSilo: 1", ":2:8: ")]
    [InlineData("Redis:\n  Tls: true\n  tls: false", ":3:3: 'Redis:tls' is given twice, first on line 2")]
    [InlineData("Redis:\n  \"a:b\": 1", ":2:3: the key 'a:b' contains a colon")]
    [InlineData("- Redis", ":1:1: must be a mapping of sections")]
    [InlineData("Redis: {}\n---\nSilo: {}", ":3:1: must be the only document of the file")]
    [InlineData("Redis:\n\tTls: true", ":1:1: ")]
    [InlineData("Redis:\n  Tls: *tls", ":2:8: '*tls' stands for nothing above it")]
    [InlineData("Redis: &a\n  b: [*a]", ":2:7: '*a' stands within what it stands for")]
    public void Read_NamesFileAndLine_WhenItCannot(string text, string fault)
    {
        var path = Write(text);

        Assert.Contains(path + fault, Assert.Throws<ConfigurationFileException>(() => ConfigurationFile.Read(path)).Message);
    }

    [Fact]
    public void Read_TakesAnchors_AndCountsWhatAliasesStandFor()
    {
        var file = ConfigurationFile.Read(Write("A: &a {Port: 1}\nB: *a\nC: [*a, *a]"));
        Assert.Equal(["1", "1", "1", "1"], new[] { "A:Port", "B:Port", "C:0:Port", "C:1:Port" }.Select(key => file.Values[key]));

        // Each line stands for ten of the one above it: two hundred bytes for a million values.
        var laughs = "a0: &a0 [1]\n" + string.Concat(Enumerable.Range(1, 6).Select(
            level => $"a{level}: &a{level} [{string.Join(", ", Enumerable.Repeat($"*a{level - 1}", 10))}]\n"));
        Assert.Contains("has more than 200000 parts", Assert.Throws<ConfigurationFileException>(
            () => ConfigurationFile.Read(Write(laughs))).Message);

        var deep = "a0: &a0 [1]\n" + string.Concat(Enumerable.Range(1, 40).Select(level => $"a{level}: &a{level} [*a{level - 1}]\n"));
        Assert.Contains("is nested more than 32 deep", Assert.Throws<ConfigurationFileException>(
            () => ConfigurationFile.Read(Write(deep))).Message);
    }

    [Fact]
    public void Read_NamesTheFile_WhenItIsAbsent() =>
        Assert.Contains("/no/such/file", Assert.Throws<ConfigurationFileException>(() => ConfigurationFile.Read("/no/such/file")).Message);

    [Fact]
    public async Task Check_NamesEveryFaultAtOnce_AndExitsWith78()
    {
        var path = Write("""
            Overlays:
              Region: eu
              Local: eu-9
              Members:
                eu-1: {Brokers: ["nats://127.0.0.1:4222"], HardLimt: 5}
            Silo: {Port: abc, ShutdownTimeout: 30}
            Redis: {Endpoints: ["127.0.0.1"], Tls: yes}
            Api:
              Listen: ["http://0.0.0.0:80", "ftp://127.0.0.1"]
              CertificateFile: ""
            Loging: {Level: Information}
            """);

        var (exitCode, error) = await CheckAsync(path);

        Assert.Equal(ExitCodes.Configuration, exitCode);
        foreach (var fault in new[]
        {
            $"Overlays:Members:eu-1:HardLimt is not a setting of Overlays:Members:eu-1; did you mean 'HardLimit'? ({path}:5)",
            $"Silo:Port must be a whole number, is 'abc' ({path}:6)",
            $"Silo:ShutdownTimeout must be a time span as hours:minutes:seconds or days.hours:minutes:seconds, is '30' ({path}:6)",
            $"Redis:Endpoints:0 must be host:port, is '127.0.0.1' ({path}:7)",
            $"Redis:Tls must be true or false, is 'yes' ({path}:7)",
            "Api:Listen:0 'http://0.0.0.0:80' is reachable from other machines and needs a way to sign in: ",
            $"Access:Tokens, Access:Oidc, Access:Certificates or Access:Choria ({path}:9)",
            "Api:Listen:1 must be http:// or https://",
            $"Loging is not a setting of ControlPlane; did you mean 'Logging'? ({path}:11)",
        })
        {
            Assert.Contains(fault, error);
        }

        Assert.DoesNotContain("   at ", error);
        Assert.DoesNotContain("Exception", error);
    }

    [Theory]
    [InlineData("Silo: {GatewayPort: 70000}", "Silo:GatewayPort must be between 0 and 65535, is 70000")]
    [InlineData(
        "Overlays: {Members: {eu-1: {HardLimit: 0}}}", "Overlays:Members:eu-1:HardLimit must be between 1 and 100000, is 0")]
    [InlineData(
        "Provisioning: {Upgrades: {Deadline: '02:00:00'}}",
        "Provisioning:Upgrades:Deadline must be between 00:00:10 and 01:00:00, is 02:00:00")]
    [InlineData(
        "Certificates: {Issuers: {one: {QueueMax: 0}}}", "Certificates:Issuers:one:QueueMax must be between 1 and 100000, is 0")]
    [InlineData(
        "Certificates: {Profiles: {node: {Lifetime: '00:01:00'}}}",
        "Certificates:Profiles:node:Lifetime must be between 01:00:00 and 825.00:00:00, is 00:01:00")]
    [InlineData("Fleet: {Overlays: {eu-1: {Connections: 9}}}", "Fleet:Overlays:eu-1:Connections must be between 1 and 4, is 9")]
    [InlineData("Cfssl: {one: {Timeout: '00:05:00'}}", "Cfssl:one:Timeout must be between 00:00:01 and 00:02:00, is 00:05:00")]
    public async Task Check_SaysOfARangeWhatTheSettingIsAndMayBe_HoweverDeepItStands(string configuration, string fault)
    {
        var path = Write(configuration);

        var (_, error) = await CheckAsync(path);

        Assert.Contains($"{fault} ({path}:1)", error);
    }

    [Fact]
    public async Task Check_NamesTheTokenFileAndLine_AndNeverTheToken()
    {
        var tokens = Write("alice short-secret\n", "tokens");

        var (exitCode, error) = await CheckAsync(Write($"Access: {{Tokens: {{Files: [{tokens}]}}}}"));

        Assert.Equal(ExitCodes.Configuration, exitCode);
        Assert.Contains($"{tokens}:1: must be a name, and a token of at least 22 characters", error);
        Assert.DoesNotContain("short-secret", error);
    }

    [Fact]
    public void Locate_NamesTheVariable_WhenTheEnvironmentSaysIt()
    {
        const string Variable = "CONTROLPLANE__Redis__Databse";
        Environment.SetEnvironmentVariable(Variable, "3");
        try
        {
            var configuration = ConfigurationSources.Read(Write("Redis: {Database: 1}"));

            Assert.Equal(Variable, ConfigurationSources.Locate(configuration, "Redis:Databse"));
            Assert.Equal("Redis:Databse", Assert.Single(ConfigurationShape.Faults(configuration, OptionsSections.All)).Key);
        }
        finally
        {
            Environment.SetEnvironmentVariable(Variable, null);
        }
    }

    [Theory]
    [InlineData("00:00:30", true)]
    [InlineData("30.00:00:00", true)]
    [InlineData("01:30", true)]
    [InlineData("30", false)]
    [InlineData("24:00:00", false)]
    [InlineData("30s", false)]
    public void Faults_TakesATimeSpan_OnlyWhenItCannotBeMisread(string text, bool taken)
    {
        var configuration = ConfigurationSources.Read(Write($"Silo: {{ShutdownTimeout: \"{text}\"}}"));

        Assert.Equal(taken, ConfigurationShape.Faults(configuration, OptionsSections.All).Count == 0);
    }

    [Theory]
    [InlineData("http://127.0.0.1:8780", true)]
    [InlineData("http://localhost:8780", true)]
    [InlineData("http://[::1]:8780", true)]
    [InlineData("http://[::]:8780", false)]
    [InlineData("http://10.1.2.3:8780", false)]
    [InlineData("http://controlplane.example.net:8780", false)]
    [InlineData("http://127.0.0.1:8780/path", false)]
    public void Validate_AllowsLoopbackOnly_WithoutTokens(string url, bool allowed)
    {
        var result = new Api.ApiOptionsValidator(new AccessDemand(false)).Validate(null, new Api.ApiOptions { Listen = [url] });

        Assert.Equal(allowed, result.Succeeded);
    }

    private static async Task<(int ExitCode, string Error)> CheckAsync(string path)
    {
        var error = new StringWriter();
        var exitCode = await CommandLine.RunAsync(["config", "check", "--config", path], TextWriter.Null, error);
        return (exitCode, error.ToString());
    }

    private string Write(string text, string name = "c.yaml")
    {
        var path = Path.Combine(_folder, name);
        File.WriteAllText(path, text);
        return path;
    }
}
