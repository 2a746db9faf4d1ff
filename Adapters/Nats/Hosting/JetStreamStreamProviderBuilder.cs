using ControlPlane.Adapters.Nats;
using Microsoft.Extensions.Configuration;
using Orleans.Hosting;
using Orleans.Providers;

[assembly: RegisterProvider("JetStream", "Streaming", "Silo", typeof(JetStreamStreamProviderBuilder))]
[assembly: RegisterProvider("JetStream", "Streaming", "Client", typeof(JetStreamStreamProviderBuilder))]

namespace Orleans.Hosting;

/// <summary>
/// Sets a provider up from configuration alone: <c>Orleans:Streaming:&lt;name&gt;</c> with <c>ProviderType</c> <c>JetStream</c>.
/// </summary>
/// <remarks>
/// <c>ServiceKey</c>, as other providers have it, is the connection's key; all else is <see cref="JetStreamStreamOptions"/>.
/// </remarks>
internal sealed class JetStreamStreamProviderBuilder : IProviderBuilder<ISiloBuilder>, IProviderBuilder<IClientBuilder>
{
    public void Configure(ISiloBuilder builder, string? name, IConfigurationSection configurationSection) =>
        builder.AddJetStreamStreams(name!, options => Bind(options, configurationSection));

    public void Configure(IClientBuilder builder, string? name, IConfigurationSection configurationSection) =>
        builder.AddJetStreamStreams(name!, options => Bind(options, configurationSection));

    private static void Bind(JetStreamStreamOptions options, IConfigurationSection section)
    {
        section.Bind(options);
        options.ConnectionKey ??= section["ServiceKey"];
    }
}
