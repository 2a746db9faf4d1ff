using Microsoft.Extensions.Configuration.EnvironmentVariables;

namespace ControlPlane.Configuration;

/// <summary>Where the configuration comes from: one file, and the environment over it.</summary>
internal static class ConfigurationSources
{
    /// <summary>Where the file is looked for when none is named.</summary>
    public const string DefaultPath = "/etc/controlplane/controlplane.yaml";

    /// <summary>What the names of our environment variables begin with; <c>__</c> stands between the parts of a key.</summary>
    public const string EnvironmentPrefix = "CONTROLPLANE__";

    /// <summary>The file and over it the environment. A file that was named must exist; the default one need not.</summary>
    /// <exception cref="ConfigurationFileException">The file cannot be read.</exception>
    public static IConfigurationRoot Read(string? path)
    {
        var builder = new ConfigurationBuilder();
        if (path is not null || File.Exists(DefaultPath))
        {
            builder.Add(new FileSource(ConfigurationFile.Read(path ?? DefaultPath)));
        }

        return builder.Add(new EnvironmentVariablesConfigurationSource { Prefix = EnvironmentPrefix }).Build();
    }

    /// <summary>The same without the keys that cannot be read, so that what is left can be held against its rules.</summary>
    public static IConfiguration Without(IConfigurationRoot configuration, IReadOnlyList<ConfigurationFault> faults) => faults.Count == 0
        ? configuration
        : new ConfigurationBuilder().AddInMemoryCollection(configuration.AsEnumerable()
            .Where(one => !faults.Any(fault => IsAtOrBelow(one.Key, fault.Key)))).Build();

    /// <summary>Gives a host all that a configuration says, settings that are the empty text (<c>StreamName: ""</c>) included.</summary>
    /// <remarks>Copied, since .NET's provider for one configuration in another takes an empty value for none.</remarks>
    public static void Copy(IConfiguration configuration, IConfigurationBuilder host) =>
        host.AddInMemoryCollection(configuration.AsEnumerable().Where(setting => setting.Value is not null));

    /// <summary>Whether a key is another one, or a setting of it.</summary>
    public static bool IsAtOrBelow(string key, string other) => key.StartsWith(other, StringComparison.OrdinalIgnoreCase)
        && (key.Length == other.Length || key[other.Length] == ':');

    /// <summary>Where a key was set, as an operator would look for it: <c>file:line</c> or the variable's name.</summary>
    public static string? Locate(IConfigurationRoot configuration, string key)
    {
        foreach (var provider in configuration.Providers.Reverse())
        {
            switch (provider)
            {
                case FileProvider { File: var file } when file.LineOf(key) is { } line:
                    return $"{file.Path}:{line}";

                case EnvironmentVariablesConfigurationProvider when Holds(provider, key):
                    return EnvironmentPrefix + key.Replace(":", "__", StringComparison.Ordinal);
            }
        }

        return null;
    }

    private static bool Holds(IConfigurationProvider provider, string key) =>
        provider.TryGet(key, out _) || provider.GetChildKeys([], key).Any();

    private sealed class FileSource(ConfigurationFile file) : IConfigurationSource
    {
        public IConfigurationProvider Build(IConfigurationBuilder builder) => new FileProvider(file);
    }

    // Read once: what a silo runs with does not change under it. Tokens and certificates are files of their own, and are re-read.
    private sealed class FileProvider : ConfigurationProvider
    {
        public FileProvider(ConfigurationFile file)
        {
            File = file;
            foreach (var (key, value) in file.Values)
            {
                Data[key] = value;
            }
        }

        public ConfigurationFile File { get; }
    }
}
