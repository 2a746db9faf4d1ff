using ControlPlane.Access;

namespace ControlPlane.Cluster.Tests.Access;

/// <summary>Where Choria's own program would look for its token and seed.</summary>
public sealed class ChoriaClientConfigurationTests : IDisposable
{
    private const string Login = "plugin.login.aaasvc.login.url = https://a.example.net/choria/v1/login, http://b.example.net/choria/v1/login\n";

    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("controlplane-choria-client-");

    public void Dispose() => folder.Delete(recursive: true);

    [Fact]
    public void Read_TakesTheSettingsOfTheSecurityProvider_BeforeThoseOfTheSigner()
    {
        var read = Read(Login + """
            # a comment
              plugin.security.choria.token_file=/run/choria/token.jwt
            plugin.security.choria.seed_file   =   /run/choria/token = seed
            plugin.choria.security.request_signer.token_file = /other.jwt
            plugin.security.choria.ca = ~/ca.pem
            not a setting
            """);

        Assert.Equal(
            ("/run/choria/token.jwt", "/run/choria/token = seed", "/home/ann/ca.pem"), (read.TokenFile, read.SeedFile, read.CaFile));
        Assert.Equal(
            ["https://a.example.net/choria/v1/login", "http://b.example.net/choria/v1/login"],
            read.LoginUrls.Select(url => url.AbsoluteUri));
    }

    [Theory]
    [InlineData("/x/token.jwt", "/x/token.key")]
    [InlineData("/x.d/token", "/x.d/token.key")]
    [InlineData("~/.choria/token.v1.jwt", "/home/ann/.choria/token.v1.key")]
    public void Read_TakesTheTokensPath_WithKeyForItsExtension_WhenNoSeedIsSet(string token, string seed) =>
        Assert.Equal(seed, Read($"{Login}plugin.choria.security.request_signer.token_file = {token}\n").SeedFile);

    [Fact]
    public void Read_TakesTheSignersSeed_WhenTheProviderHasNone() => Assert.Equal(
        "/s.seed",
        Read($"{Login}plugin.security.choria.token_file = /t.jwt\nplugin.choria.security.request_signer.seed_file = /s.seed\n").SeedFile);

    [Fact]
    public void Read_LetsPluginFilesAndProjectsHaveTheLastWord_InThatOrder()
    {
        Write("plugin.d/choria.cfg", "security.request_signer.token_file = /plugin.jwt\n");
        Assert.Equal("/plugin.jwt", Read($"{Login}plugin.choria.security.request_signer.token_file = /main.jwt\n").TokenFile);

        Write("choria.conf", "plugin.choria.security.request_signer.token_file = /outer.jwt\n");
        Write("work/choria.conf", "plugin.choria.security.request_signer.token_file = /inner.jwt\n");
        Assert.Equal("/inner.jwt", Read($"{Login}plugin.choria.security.request_signer.token_file = /main.jwt\n", "work").TokenFile);

        // A person's own file stands alone: plugin.d beside it is not looked at.
        var own = ChoriaClientConfiguration.Read(
            Write("client.conf", $"{Login}plugin.security.choria.token_file = /main.jwt\n"), folder.FullName, Path.GetTempPath());
        Assert.Equal("/main.jwt", own.TokenFile);
    }

    [Theory]
    [InlineData("plugin.security.choria.token_file = /t.jwt\n", "plugin.login.aaasvc.login.url")]
    [InlineData("plugin.login.aaasvc.login.url = https://a.example.net/choria/v1/login\n", "plugin.security.choria.token_file")]
    [InlineData("plugin.login.aaasvc.login.url = ftp://a\nplugin.security.choria.token_file = /t.jwt\n", "'ftp://a'")]
    public void Read_SaysWhatIsMissing(string content, string named) =>
        Assert.Contains(named, Assert.Throws<SignInException>(() => Read(content)).Message, StringComparison.Ordinal);

    private ChoriaClientConfiguration Read(string content, string at = "") => ChoriaClientConfiguration.Read(
        Write("client.conf", content), "/home/ann", Directory.CreateDirectory(Path.Combine(folder.FullName, at)).FullName);

    private string Write(string name, string content)
    {
        var path = Path.Combine(folder.FullName, name);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, content);
        return path;
    }
}
