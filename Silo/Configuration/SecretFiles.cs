using System.Text.RegularExpressions;

namespace ControlPlane.Configuration;

/// <summary>Files of secrets that others on the machine can read, or replace.</summary>
internal static partial class SecretFiles
{
    private const UnixFileMode Refused = UnixFileMode.GroupWrite | UnixFileMode.GroupExecute
        | UnixFileMode.OtherRead | UnixFileMode.OtherWrite | UnixFileMode.OtherExecute;

    /// <summary>Every file of a secret that the configuration names, under whatever section.</summary>
    public static IEnumerable<ConfigurationFault> Faults(IConfiguration configuration) =>
        from setting in configuration.AsEnumerable()
        where setting.Value is { Length: > 0 } && SecretKey().IsMatch(setting.Key) && File.Exists(setting.Value)
        let mode = File.GetUnixFileMode(setting.Value)
        where (mode & Refused) != 0
        select new ConfigurationFault(
            setting.Key,
            $"names a secret that others on this machine can read or replace, '{setting.Value}' has mode {Octal(mode)}: chmod 0600 it, "
            + "or 0640 for a group of its own");

    private static string Octal(UnixFileMode mode) => "0" + Convert.ToString((int)mode, 8);

    [GeneratedRegex(@"(Password|Seed|Key|Token|Secret|SecretId)File$|Access:Tokens:Files:\d+$|:KeyPath$", RegexOptions.IgnoreCase)]
    private static partial Regex SecretKey();
}
