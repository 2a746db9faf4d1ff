using System.Text.RegularExpressions;

namespace ControlPlane.Access;

/// <summary>The configuration of Choria's client, by the rules of its own program: where token and seed belong, whom to ask.</summary>
/// <param name="TokenFile">Where the token belongs.</param>
/// <param name="SeedFile">Where the seed belongs.</param>
/// <param name="LoginUrls">Where to log in: any of them.</param>
/// <param name="CaFile">The CAs by which those are verified; the machine's when null.</param>
internal sealed partial record ChoriaClientConfiguration(string TokenFile, string SeedFile, IReadOnlyList<Uri> LoginUrls, string? CaFile)
{
    private const string LoginSetting = "plugin.login.aaasvc.login.url";
    private const string TokenSetting = "plugin.security.choria.token_file";
    private const string SeedSetting = "plugin.security.choria.seed_file";
    private const string SignerTokenSetting = "plugin.choria.security.request_signer.token_file";
    private const string SignerSeedSetting = "plugin.choria.security.request_signer.seed_file";
    private const string CaSetting = "plugin.security.choria.ca";
    private const string ChoriaPlugin = "plugin.choria.";
    private const string ProjectFile = "choria.conf";

    private static readonly string[] HomeFiles = [".choriarc", ".mcollective"];
    private static readonly string[] SystemFiles = ["/etc/choria/client.conf", "/usr/local/etc/choria/client.conf"];
    private const string LastFile = "/etc/puppetlabs/mcollective/client.cfg";

    /// <summary>The file that Choria's program reads when it is told of none.</summary>
    public static string DefaultFile(string home) =>
        HomeFiles.Select(name => Path.Combine(home, name)).Concat(SystemFiles).FirstOrDefault(File.Exists) ?? LastFile;

    /// <summary>Reads a file, what is beside it in <c>plugin.d</c>, and those of the project that one is in.</summary>
    /// <param name="file">The file.</param>
    /// <param name="home">The home directory.</param>
    /// <param name="folder">The current directory.</param>
    /// <exception cref="SignInException">A setting is missing that is needed.</exception>
    /// <exception cref="IOException">The file cannot be read.</exception>
    public static ChoriaClientConfiguration Read(string file, string home, string folder)
    {
        var settings = new Dictionary<string, string>(StringComparer.Ordinal);
        var path = Path.GetFullPath(file, folder);
        Add(settings, path, prefix: "");

        // A person's own file stands alone; in plugin.d, that of choria is the one that the program makes settings of.
        var plugin = Path.Combine(Path.GetDirectoryName(path)!, "plugin.d", "choria.cfg");
        if ((home.Length == 0 || !path.StartsWith(home, StringComparison.Ordinal)) && File.Exists(plugin))
        {
            Add(settings, plugin, ChoriaPlugin);
        }

        foreach (var project in ProjectFiles(folder))
        {
            Add(settings, project, prefix: "");
        }

        return Of(settings, home, path);
    }

    private static ChoriaClientConfiguration Of(Dictionary<string, string> settings, string home, string path)
    {
        var token = PathOf(TokenSetting) ?? PathOf(SignerTokenSetting)
            ?? throw new SignInException($"{path} does not say where the token belongs: set {TokenSetting} or {SignerTokenSetting}");
        var urls = settings.GetValueOrDefault(LoginSetting, "")
            .Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)
            .Select(text => Uri.TryCreate(text, UriKind.Absolute, out var url) && url.Scheme is "http" or "https"
                ? url
                : throw new SignInException($"{LoginSetting} in {path}: '{text}' is not an http:// or https:// address"))
            .ToList();
        return urls.Count > 0
            ? new ChoriaClientConfiguration(
                token, PathOf(SeedSetting) ?? PathOf(SignerSeedSetting) ?? Path.ChangeExtension(token, ".key"), urls, PathOf(CaSetting))
            : throw new SignInException($"{path} does not say where to log in: set {LoginSetting}");

        string? PathOf(string setting) => settings.GetValueOrDefault(setting) is { Length: > 0 } value
            ? value.StartsWith('~') ? home + value[1..] : value
            : null;
    }

    // The outermost first: the nearest has the last word.
    private static Stack<string> ProjectFiles(string folder)
    {
        var found = new Stack<string>();
        for (var at = new DirectoryInfo(folder); at is not null; at = at.Parent)
        {
            var file = Path.Combine(at.FullName, ProjectFile);
            if (File.Exists(file))
            {
                found.Push(file);
            }
        }

        return found;
    }

    private static void Add(Dictionary<string, string> settings, string file, string prefix)
    {
        foreach (var line in File.ReadLines(file).Select(line => line.Trim()).Where(line => !line.StartsWith('#')))
        {
            if (Setting().Match(line) is { Success: true } setting)
            {
                settings[prefix + setting.Groups[1].Value] = setting.Groups[2].Value;
            }
        }
    }

    [GeneratedRegex(@"(.+?)\s*=\s*(.+)", RegexOptions.CultureInvariant)]
    private static partial Regex Setting();
}
